# Managed by copier-mlops: an update merges with your edits.
"""Starts a bandit, lets it learn, and stops it. Its state is in the registry: a tag of the model, and aliases of versions.

All are changed under the lock of the audit log. What a crash leaves undone, the same command does when it is run again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.bandit import ALIASES, MAX_TAG, TAG, Running
from ..core.errors import UserError
from ..core.experiment import all_running
from ..experiments.guardrails import Arms, measure
from ..experiments.lifecycle import by_hand, changing, control_of, input_problems, numeric_inputs, record_once
from ..experiments.measures import baseline
from ..experiments.result import Guardrail
from ..monitoring import reference
from ..monitoring.prediction_log import Window
from ..registry.approval import Approval
from ..registry.checks import promotion_blockers
from ..registry.client import champion, find, registered, version_of
from .learning import decisions, learned, rewards, scores, worse
from .settings import Bandit, Plan

GUARDRAIL_SECONDS = 3_600  # of requests that guardrails judge
REASONS = 600  # characters that later reasons of removals may add to the state
NO_APPROVAL = "needs no approval"


def start(plan: Bandit, approval: Approval, now: datetime) -> str:
    """Let servers divide requests among the versions of a plan, and return a message; again, it completes what is missing.

    Raises:
        UserError: another bandit or an A/B test is running, or a version may not get users: names the reasons.
    """
    with changing() as (client, model, tags):
        last, (control, *others) = _last(tags), versions_of(plan, client, model)
        versions = [str(one.version) for one in (control, *others)]
        if last and not last.stopped and (last.name, last.versions) == (plan.name, versions):
            _serve(client, model, last)
            return f"{last.name} is running already"
        if names := all_running(tags):
            raise UserError(f"{names[0]} is running: stop it first")
        problems = [
            f"version {one.version} cannot get requests: {'; '.join(found)}"
            for one in others
            if (found := promotion_blockers(one, approval) + input_problems(model, versions[0], str(one.version)))
        ]
        if problems:
            raise UserError("; ".join(problems))
        baseline(plan.metric, model, versions[0], now)  # raises if the metric does not fit the model
        running = prepared(plan, model, versions, now)
        running = learned(running, plan, np.ones((0, len(plan.features) + 1)), np.zeros(0, int), np.zeros(0))
        if (size := len(running.model_dump_json()) + REASONS) > MAX_TAG:
            raise UserError(f"features: the state would have {size:,} of at most {MAX_TAG:,} characters: name fewer")
        _record(client, model, "started", running, approval.actor, approval.status, **approval.details)
        _serve(client, model, running)
    return f"{running.name} has started: {running.policy} divides requests among the versions {', '.join(versions)}"


def versions_of(plan: Plan, client: MlflowClient, model: str) -> list[ModelVersion]:
    """Return the versions of a plan, the champion first.

    Raises:
        UserError: the champion is not among them, or one is named twice.
    """
    control = control_of(client, model)
    found = {str(one.version): one for one in (find(client, model, version) for version in plan.versions)}
    if control not in found or len(found) < len(plan.versions):
        known = f"found {', '.join(found)}" if control in found else f"{', '.join(found)} lack it"
        raise UserError(f"versions: expected the champion, version {control}, and others, each once: {known}")
    return [found.pop(control), *found.values()]


def prepared(plan: Bandit, model: str, versions: list[str], now: datetime) -> Running:
    """Return a bandit that has learned nothing yet, given the versions, the champion first."""
    return Running(
        **plan.model_dump(include={"name", "policy", "exploration"}),
        versions=versions,
        features=moments(plan.features, model, versions[0]),
        started=now,
        plan=plan.model_dump(mode="json", exclude={"metrics_from", "features"}),
    )


def moments(names: list[str], model: str, version: str) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of features in the reference of a version.

    Raises:
        UserError: one is no number, or the prediction log leaves it out.
    """
    known, numeric = reference.load(model, version).features if names else {}, numeric_inputs(model, version)
    if unknown := [name for name in names if name not in numeric or name not in known]:
        raise UserError(f"features: {unknown[0]} is no numeric column of version {version} that the prediction log has")
    columns = {name: known[name].astype(float) for name in names}  # in five digits, since the state is small
    return {name: (float(f"{one.mean():.5g}"), float(f"{one.std() or 1:.5g}")) for name, one in columns.items()}


def learn(now: datetime) -> str:
    """Learn from all rewards that are known, remove versions that do harm, and return what was done.

    Raises:
        UserError: no bandit is running, or the log cannot be read.
    """
    with changing() as (client, model, tags):
        running = _running(tags)
        plan = plan_of(running)
        rows = decisions(plan, running.versions, model, Window(running.started, now), now)
        context, arm, metric, propensity = rewards(running, rows)
        reasons = worse(plan, running, scores(arm, metric, propensity, len(running.versions)))
        for version, limits in judged(plan, running, model, now).items():
            if broken := [f"{one.name} is {one.treatment:.4g}, above {one.limit:g}" for one in limits if one.breached]:
                reasons[version] = "; ".join(broken)
        for version, reason in reasons.items():
            _record(client, model, "removed", running, by_hand(), NO_APPROVAL, removed=version, reason=reason)
        removed = {version: f"{now:%Y-%m-%d %H:%M}: {reason:.120}" for version, reason in reasons.items()}
        running = running.model_copy(update={"removed": {**running.removed, **removed}})
        running = learned(running, plan, context, arm, metric)
        _serve(client, model, running)
        lines = [f"version {version} is removed: {reason}" for version, reason in reasons.items()]
        if (served := champion(client, model)) != running.versions[0]:
            lines.append(_stop(client, model, running, f"the champion is version {served} now", now))
        elif running.active.sum() == 1:
            lines.append(_stop(client, model, running, "only the champion is left", now))
    done = f"{running.name}: revision {running.revision}, {len(arm):,} rewards of {len(rows):,} decisions"
    return "\n".join([done, *(f"  {line}" for line in lines)])


def judged(plan: Plan, running: Running, model: str, now: datetime) -> dict[str, list[Guardrail]]:
    """Return the guardrails of each version that gets requests, but the champion."""
    seconds = min(GUARDRAIL_SECONDS, (now - running.started).total_seconds())
    source, none = Bandit.load().metrics_from, pd.DataFrame(columns=["treated", "prediction"])
    return {
        version: measure(plan.guardrails, source, model, Arms(running.versions[0], version, alias), seconds, none)
        for version, alias in zip(running.versions[1:], ALIASES, strict=False)
        if version not in running.removed
    }


def stop(reason: str, now: datetime) -> str:
    """End the bandit and return a message: from the next look of the servers on, all requests get the champion.

    Raises:
        UserError: none is running.
    """
    with changing() as (client, model, tags):
        return _stop(client, model, _running(tags), reason, now)


def plan_of(running: Running) -> Plan:
    """Return the plan of a bandit as it was at its start."""
    return Plan(**running.plan, features=[*running.features])


def last() -> tuple[str, Running]:
    """Return the model and its last bandit.

    Raises:
        UserError: there was none yet.
    """
    with changing() as (_, model, tags):
        if (found := _last(tags)) is None:
            raise UserError("there was no bandit yet: `poe bandit start` starts one")
        return model, found


def _last(tags: Mapping[str, str]) -> Running | None:
    return Running.model_validate_json(tags[TAG]) if TAG in tags else None


def _running(tags: Mapping[str, str]) -> Running:
    if (found := _last(tags)) is None or found.stopped:
        raise UserError("no bandit is running: `poe bandit start` starts one")
    return found


def _stop(client: MlflowClient, model: str, running: Running, reason: str, now: datetime) -> str:
    _record(client, model, "stopped", running, by_hand(), NO_APPROVAL, reason=reason)
    _serve(client, model, running.model_copy(update={"stopped": now, "reason": reason}))
    return f"{running.name} is stopped: {reason}"


def _serve(client: MlflowClient, model: str, running: Running) -> None:
    """Write the state, and let the aliases name the versions that get requests: old ones go before it, new ones come after."""
    named = {} if running.stopped else dict(zip(ALIASES, running.versions[1:], strict=False))
    wanted = {alias: version for alias, version in named.items() if version not in running.removed}
    served = registered(client, model)
    for alias in ALIASES:
        if alias not in wanted and version_of(served, alias):
            client.delete_registered_model_alias(model, alias)
    client.set_registered_model_tag(model, TAG, running.model_dump_json())
    for alias, version in wanted.items():
        client.set_registered_model_alias(model, alias, version)


def _record(client: MlflowClient, model: str, what: str, bandit: Running, actor: str, status: str, **more: Any) -> None:
    details = {"bandit": bandit.name, "policy": bandit.policy, "versions": bandit.versions, **more}
    record_once(client, model, f"bandit {what}", bandit.versions[0], actor, status, details)
