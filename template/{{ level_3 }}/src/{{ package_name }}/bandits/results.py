# Managed by copier-mlops: an update merges with your edits.
"""What became of a bandit, `reports/bandit.html`, and what a policy would have earned on logged decisions."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import bootstrap
from sklearn.linear_model import Ridge

from ..core.bandit import Decider, Running
from ..core.errors import UserError
from ..core.io import write_json
from ..core.paths import REPORTS
from ..experiments.lifecycle import changing
from ..monitoring.prediction_log import Window
from ..reporting.html import write_page
from ..reporting.pages import image, new_axes
from .learning import Rewards, decisions, interval, learned, rewards, scores
from .lifecycle import judged, last, plan_of, prepared, versions_of
from .settings import Bandit

PAGE = REPORTS / "bandit.html"
BUCKETS = 40  # of time, on the page
SAMPLES, BATCH = 1_000, 50  # of the bootstrap; that many are in memory at a time
MIN_REWARDS = 50  # of each version, in each half of a log


def report(now: datetime) -> str:
    """Write `reports/bandit.json` and `reports/bandit.html`, and return a line.

    Raises:
        UserError: there was no bandit yet, or the log cannot be read.
    """
    model, running = last()
    plan = plan_of(running)
    rows = decisions(plan, running.versions, model, Window(running.started, running.stopped or now), now)
    _, arm, metric, propensity = rewards(running, rows)
    each = scores(arm, metric, propensity, len(running.versions))
    arms = [
        {
            "version": version,
            "decisions": int((rows["arm"] == k).sum()),
            "rewards": int((arm == k).sum()),
            "metric": interval(each[:, k], plan.significance) if running.active[k] else None,
            "removed": running.removed.get(version),
        }
        for k, version in enumerate(running.versions)
    ]
    means = plan.sign * pd.Series(metric).groupby(arm).mean()
    result = {"arms": arms, "rewards": len(arm), "regret": float((means.max() - means.reindex(arm)).sum())}
    write_json({"running": running.model_dump(mode="json"), **result}, REPORTS / "bandit.json")
    limits = judged(plan, running, model, now) if not running.stopped else {}
    figures = [_shares(rows, running)] if len(rows) else []
    write_page(PAGE, model=model, bandit=running, plan=plan, guardrails=limits, figures=figures, **result)
    shares = ", ".join(f"version {one['version']} {one['decisions'] / max(1, len(rows)):.0%}" for one in arms)
    return f"{running.name}: {len(arm):,} rewards of {len(rows):,} decisions ({shares}); {PAGE} is written"


def _shares(rows: pd.DataFrame, running: Running) -> str:
    """Return how the requests were divided over time, as a URL that holds the picture."""
    parts = pd.cut(rows["time"], min(BUCKETS, len(rows)))
    counts = pd.crosstab(parts.map(lambda part: part.mid), rows["version"], normalize="index")
    shares = counts.reindex(columns=running.versions, fill_value=0.0)
    labels = [f"version {version}" for version in shares]
    axes = new_axes(6.4, 3.4, title="Share of the requests", ylim=(0, 1))
    axes.stackplot(shares.index.to_numpy(), shares.to_numpy().T, labels=labels, alpha=0.8)
    axes.tick_params(axis="x", labelrotation=30)
    axes.legend(frameon=False, fontsize=8)
    return image(axes)


def evaluate(now: datetime, days: int) -> str:
    """Return what the plan's policy and each version alone would have earned, as every other logged decision shows.

    Raises:
        UserError: the log has too few decisions by chance, of an A/B test or a bandit, with a known outcome.
    """
    plan = Bandit.load()
    with changing() as (client, model, _):
        versions = [str(one.version) for one in versions_of(plan, client, model)]
    running = prepared(plan, model, versions, now)
    known = rewards(running, decisions(plan, versions, model, Window(now - timedelta(days=days), now), now))
    # A policy is judged on rows from which it did not learn.
    fit, judge = (Rewards(*(values[half::2] for values in known)) for half in (0, 1))
    counts = [min((part.arm == k).sum() for part in (fit, judge)) for k in range(len(versions))]
    if min(counts) < MIN_REWARDS:
        few = versions[int(np.argmin(counts))]
        raise UserError(
            f"the last {days} days have fewer than {2 * MIN_REWARDS} outcomes of decisions by chance for version {few}:"
            " an A/B test or a bandit with it comes first"
        )
    policy = Decider(learned(running, plan, fit.context, fit.arm, fit.metric))
    shares = np.array([policy.probabilities(one if running.features else None) for one in judge.context])
    models = [Ridge(1e-3, fit_intercept=False) for _ in versions]
    known = [one.fit(fit.context[fit.arm == k], fit.metric[fit.arm == k]) for k, one in enumerate(models)]
    expected = np.column_stack([one.predict(judge.context) for one in known])
    chosen = {plan.policy: shares}
    chosen |= {f"version {version}": np.eye(len(versions))[[k] * len(shares)] for k, version in enumerate(versions)}
    lines = [
        f"{plan.metric} ({plan.better} is better) of {len(shares):,} decisions; 95 % by the bootstrap: SNIPS, doubly robust"
    ]
    for name, wanted in chosen.items():
        both = off_policy(wanted, expected, judge.arm, judge.metric, judge.propensity)
        lines.append(f"  {name:16} " + ", ".join(f"{value:.4g} ({low:.4g} to {high:.4g})" for value, low, high in both))
    return "\n".join(lines)


def off_policy(
    wanted: np.ndarray, expected: np.ndarray, arm: np.ndarray, metric: np.ndarray, propensity: np.ndarray
) -> list[tuple[float, float, float]]:
    """Return the value of a policy on decisions of another, with 95 % intervals: by SNIPS, and doubly robust.

    SNIPS: Swaminathan and Joachims 2015, "The self-normalized estimator for counterfactual learning"; doubly robust: Dudík,
    Langford and Li 2011, "Doubly robust policy evaluation and learning"; percentile bootstrap: Efron and Tibshirani 1993.

    Args:
        wanted: probabilities of the policy, (rows, versions).
        expected: metric of each version by a model that was fitted on other rows, (rows, versions).
        arm: what was chosen, (rows,).
        metric: what came of it, (rows,).
        propensity: its probability then, (rows,).
    """
    row = np.arange(len(arm))
    weight = wanted[row, arm] / propensity
    robust = (wanted * expected).sum(axis=1) + weight * (metric - expected[row, arm])
    snips: Any = lambda part, whole, axis=-1: part.sum(axis) / np.maximum(whole.sum(axis), 1e-12)
    found, options = [], {"n_resamples": SAMPLES, "batch": BATCH, "paired": True, "method": "percentile", "rng": 0}
    for statistic, data in ((snips, (weight * metric, weight)), (np.mean, (robust,))):
        low, high = bootstrap(data, statistic, **options).confidence_interval
        found.append((float(statistic(*data)), float(low), float(high)))
    return found
