# Managed by copier-mlops: an update merges with your edits.
"""What a bandit learns: rewards of the decisions in the prediction log, the next shares, and which version does harm."""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.bandit import Running, packed
from ..experiments.measures import measure
from ..experiments.statistics import radius
from ..monitoring import reference
from ..monitoring.labels import JOIN, stored
from ..monitoring.performance import Truth
from ..monitoring.prediction_log import Window, features, query
from ..monitoring.settings import Monitoring
from .settings import Plan

DRAWS = 10_000  # of each posterior: how often the best is a version's own is its share
FEW = 10  # rewards, other than 0 and 1, that a version needs before any is preferred
BURN_IN = 100  # rewards that only show what to expect, before versions are compared
PLANNED = 2_000  # rewards at which intervals are narrowest
# An outcome counts for the first request of its entity since the outcome before.
DECISIONS = f"""
    select * exclude (model), row_number() over (partition by entity, label_time order by time, request_id) = 1 as first
    from ({JOIN}) where propensity is not null and entity is not null and row = 0 and list_contains($3, version)
    order by time, request_id
"""


class Rewards(NamedTuple):
    """The decisions whose outcome is known, by time."""

    context: np.ndarray  # as `Running.contexts` returns it
    arm: np.ndarray  # the place of the version
    metric: np.ndarray
    propensity: np.ndarray


def rewards(running: Running, rows: pd.DataFrame) -> Rewards:
    """Return what can be learned from `decisions`."""
    found = rows[rows["metric"].notna()]
    context = np.ones((len(found), len(running.features) + 1))
    if running.features and len(found):
        context = running.contexts(features(found))
    return Rewards(context, *(found[name].to_numpy() for name in ("arm", "metric", "propensity")))


def decisions(plan: Plan, versions: list[str], model: str, window: Window, now: datetime) -> pd.DataFrame:
    """Return the requests for which one of some versions was drawn, by time.

    Added are `arm`, the place of the version, and `metric`, NaN where the outcome is not due, known, or counts for another.
    """
    settings = Monitoring.load()
    accepted = timedelta(hours=settings.label_window_hours)
    parameters = (model, accepted.total_seconds(), versions)
    rows = query(DECISIONS, window, parameters, labels=stored(window._replace(end=window.end + accepted)))
    rows = rows.assign(arm=pd.Index(versions).get_indexer(pd.Index(rows["version"])), metric=np.nan)
    due = rows["first"].astype(bool) & (rows["time"] <= pd.Timestamp(now - settings.label_delay))
    for arm, version in enumerate(versions):
        mine = due & rows["target"].notna() & (rows["arm"] == arm)
        if mine.any():
            rows.loc[mine, "metric"] = measure(plan.metric, Truth.of(rows[mine], reference.load(model, version)))
    return rows


def learned(running: Running, plan: Plan, context: np.ndarray, arm: np.ndarray, metric: np.ndarray) -> Running:
    """Return the next revision, which follows from all rewards so far.

    Thompson sampling draws from beta distributions if all rewards are 0 or 1 (Chapelle and Li 2011, "An empirical
    evaluation of Thompson sampling"), else from Student's t (Honda and Takemura 2014, "Optimality of Thompson sampling for
    Gaussian bandits depends on priors"). LinUCB is a ridge regression of the standardized rewards of each version.
    """
    revision, count, active = running.revision + 1, len(running.versions), running.active
    if plan.policy == "linucb":
        score = plan.sign * (metric - metric.mean()) / (metric.std() or 1) if len(metric) else metric
        inverses = [
            np.linalg.inv(np.eye(context.shape[1]) + x.T @ x) for x in (context[arm == k] for k in range(count))
        ]
        weights = np.array([a @ context[arm == k].T @ score[arm == k] for k, a in enumerate(inverses)])
        roots = plan.width * np.linalg.cholesky(np.array(inverses))[:, *np.tril_indices(context.shape[1])]
        linear = {"weights": packed(weights), "roots": packed(roots)}
        return running.model_copy(update={"revision": revision, **linear})
    rng, binary = np.random.default_rng(revision), {*np.unique(metric)} <= {0.0, 1.0}
    rewards = [metric[arm == k] if plan.sign > 0 else 1 - metric[arm == k] for k in range(count)]
    values = np.zeros((count, 1))  # none is preferred
    if plan.policy == "thompson" and binary:
        values = np.stack([rng.beta(1 + y.sum(), 1 + len(y) - y.sum(), DRAWS) for y in rewards])
    elif min(len(y) for y, on in zip(rewards, active, strict=True) if on) >= FEW:
        means = np.array([[y.mean() if len(y) else 0] for y in rewards])
        errors = [
            y.std(ddof=1) / len(y) ** 0.5 * rng.standard_t(len(y) - 1, DRAWS) if len(y) > 1 else np.zeros(DRAWS)
            for y in rewards
        ]
        values = means + np.stack(errors) if plan.policy == "thompson" else means
    values[~active] = -np.inf
    best = values == values.max(axis=0)
    return running.model_copy(update={"revision": revision, "shares": (best / best.sum(axis=0)).mean(axis=1).tolist()})


def scores(arm: np.ndarray, metric: np.ndarray, propensity: np.ndarray, count: int) -> np.ndarray:
    """Return an estimate without bias of the metric of each version from each reward but the first, (rewards, versions).

    It is the mean so far, corrected by what was seen, and the more the less likely that was (augmented inverse probability
    weighting). However shares follow from earlier rewards, the errors are martingale differences, so the confidence sequence
    of the A/B test holds for them: Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro 2022, "Anytime-valid off-policy
    inference for contextual bandits". It assumes finite variance, and outcomes that do not change with time.
    """
    seen = arm[:, None] == np.arange(count)
    total, number = (np.cumsum(each, axis=0) - each for each in (seen * metric[:, None], seen.astype(float)))
    expected = total / np.maximum(number, 1)
    return (expected + seen * (metric[:, None] - expected) / propensity[:, None])[BURN_IN:]


def interval(values: np.ndarray, significance: float) -> tuple[float, float, float] | None:
    """Return a mean and its confidence sequence, or None if there are too few values."""
    if len(values) < BURN_IN:
        return None
    mean, width = float(values.mean()), float(values.std(ddof=1)) * radius(len(values), PLANNED, significance)
    return mean, mean - width, mean + width


def worse(plan: Plan, running: Running, found: np.ndarray) -> dict[str, str]:
    """Return why versions are clearly worse than the champion, given `scores`, by version."""
    reasons = {}
    for arm in np.flatnonzero(running.active)[1:]:
        between = interval(found[:, arm] - found[:, 0], plan.significance / (len(running.versions) - 1))
        if between and plan.sign * between[2 if plan.sign > 0 else 1] < 0:
            line = "{} differs from the champion's by {:+.4g} ({:+.4g} to {:+.4g})".format(plan.metric, *between)
            reasons[running.versions[arm]] = line
    return reasons
