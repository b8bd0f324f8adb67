# Managed by copier-mlops: an update merges with your edits.
"""Plans, starts and stops an A/B test. Its state is in the registry: the alias `treatment`, and a tag of the model.

Both are changed under the lock of the audit log. A crash between the two is repaired by the same command, run again.
"""

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import mlflow
from mlflow import MlflowClient

from ..core.errors import UserError
from ..core.experiment import ALIAS, TAG, Running, all_running
from ..core.inputs import KINDS, Column, Inputs
from ..core.lineage import author
from ..monitoring.prediction_log import Window, query
from ..registry.approval import Approval
from ..registry.audit import record
from ..registry.audit_log import Event, entries, locked
from ..registry.checks import promotion_blockers
from ..registry.client import INPUTS, Tracking, champion, connected, find, registered, version_of
from ..registry.governance import Governance
from .measures import baseline
from .settings import Experiment
from .statistics import MIN_ENTITIES, planned_size

EVENT = "experiment "  # before what happened, in the audit log
DAYS = 7  # of the log, for the number of entities a day


def planned(plan: Experiment, model: str, control: str, now: datetime) -> tuple[int, str]:
    """Return how many entities of both arms together a test needs, and what the metric is today.

    Raises:
        UserError: the metric does not fit the model, or the effect is more than the metric can change.
    """
    today, source = baseline(plan.metric, model, control, now)
    mean, variance = float(today.mean()), float(today.var(ddof=1))
    if not variance:
        raise UserError(f"metric: {plan.metric} is {mean:.3g} in all {source}: there is nothing to compare")
    treated = variance
    if {*today} <= {0.0, 1.0}:
        expected = mean + plan.sign * plan.min_effect
        if not 0 < expected < 1:
            raise UserError(
                f"min_effect: {plan.metric} is {mean:.3g} in {source}: it cannot change by {plan.min_effect:g}"
            )
        treated = expected * (1 - expected)
    shares = plan.arms["control"], plan.arms["treatment"]
    found = planned_size((variance, treated), shares, plan.min_effect, plan.significance, plan.power)
    least = int(MIN_ENTITIES / min(shares)) + 1
    return max(found, least), f"{plan.metric} is {mean:.4g} today (standard deviation {variance**0.5:.3g}, {source})"


def describe(plan: Experiment, now: datetime) -> str:
    """Return what a test of this plan takes, for people."""
    model = Tracking.load().model
    with connected():
        size, today = planned(plan, model, control_of(MlflowClient(), model), now)
    arms = " and ".join(f"{round(share * size):,} in the {arm}" for arm, share in plan.arms.items())
    sql = "select count(distinct entity) / $2 as daily from predictions where model = $1"
    daily = float(query(sql, Window(now - timedelta(days=DAYS), now), (model, DAYS))["daily"][0])
    return (
        f"{plan.name}: {plan.hypothesis}\n  {today}; {plan.better} is better\n"
        f"  to find a difference of {plan.min_effect:g} with power {plan.power:g}: {size:,} entities, {arms};"
        f" at most {round(plan.longest * size):,}\n  the log has {daily:,.0f} entities a day"
    )


def start(plan: Experiment, version: str, approval: Approval, now: datetime) -> str:
    """Let servers send a share of the entities to a version, and return a message; again, it completes what is missing.

    Raises:
        UserError: another test is running, there is no champion, or the version may not get users: names the reasons.
    """
    with changing() as (client, model, tags):
        last, found = _last(tags), find(client, model, version)
        treatment = str(found.version)
        if last and last.stopped is None:
            if (last.name, last.treatment) != (plan.name, treatment):
                raise UserError(f"{last.name} is running, with version {last.treatment}: `poe experiment stop` ends it")
            client.set_registered_model_alias(model, ALIAS, treatment)
            return f"{last.name} is running already, with version {treatment}"
        if others := all_running(tags):
            raise UserError(f"{others[0]} is running: stop it first")
        control = control_of(client, model)
        blockers = ["it is the champion itself"] if treatment == control else []
        blockers += [*promotion_blockers(found, approval), *input_problems(model, control, treatment)]
        if plan.covariate and plan.covariate not in numeric_inputs(model, control):
            blockers.append(f"covariate: {plan.covariate} is no numeric column of version {control}")
        if blockers:
            raise UserError(f"version {treatment} cannot be tested: {'; '.join(blockers)}")
        size, _ = planned(plan, model, control, now)
        running = Running(
            name=plan.name,
            control=control,
            treatment=treatment,
            share=plan.arms["treatment"],
            started=now,
            planned=size,
            plan=plan.model_dump(mode="json"),
        )
        _record(client, model, "started", running, approval.actor, approval.status, approval.details)
        client.set_registered_model_tag(model, TAG, running.model_dump_json())
        client.set_registered_model_alias(model, ALIAS, treatment)
    share = f"{100 * running.share:g} % of the entities"
    return f"{plan.name} has started: version {treatment} for {share}, version {control} for the others"


def stop(reason: str) -> str:
    """End the running test and return a message: from the next look of the servers on, all get the control.

    Raises:
        UserError: no test is running.
    """
    with changing() as (client, model, tags):
        if (last := _last(tags)) is None or last.stopped:
            raise UserError("no experiment is running: `poe experiment start` starts one")
        if version_of(registered(client, model), ALIAS):
            client.delete_registered_model_alias(model, ALIAS)
        stopped = last.model_copy(update={"stopped": datetime.now(UTC)})
        _record(client, model, "stopped", last, by_hand(), "needs no approval", {"reason": reason})
        client.set_registered_model_tag(model, TAG, stopped.model_dump_json())
    return f"{last.name} is stopped: {reason}"


def state() -> tuple[str, Running, str | None, str | None]:
    """Return the model, its last test, and the versions that are the treatment and the champion now.

    Raises:
        UserError: there was no test yet.
    """
    model = Tracking.load().model
    with connected():
        found = registered(MlflowClient(), model)
    if (last := _last(found.tags if found else {})) is None:
        raise UserError("there was no experiment yet: `poe experiment start` starts one")
    return model, last, version_of(found, ALIAS), version_of(found)


def control_of(client: MlflowClient, model: str) -> str:
    """Return the champion.

    Raises:
        UserError: there is none.
    """
    if (found := champion(client, model)) is None:
        raise UserError(f"{model} has no champion to compare with: `poe promote` makes one")
    return found


@contextmanager
def changing() -> Iterator[tuple[MlflowClient, str, Mapping[str, str]]]:
    """Yield a client, the name of the model and its tags, under the lock of the audit log."""
    model = Tracking.load().model
    with connected(), locked():
        client = MlflowClient()
        found = registered(client, model)
        yield client, model, found.tags if found else {}


def by_hand() -> str:
    """Return whose command this is."""
    return f"{author()} (OS user {getpass.getuser()})"


def _last(tags: Mapping[str, str]) -> Running | None:
    return Running.model_validate_json(tags[TAG]) if TAG in tags else None


def _record(
    client: MlflowClient, model: str, what: str, test: Running, actor: str, approval: str, more: Mapping[str, str]
) -> None:
    details = {"experiment": test.name, "control": test.control, "share": test.share, **more}
    record_once(client, model, f"{EVENT}{what}", test.treatment, actor, approval, details)


def record_once(
    client: MlflowClient, model: str, what: str, version: str, actor: str, approval: str, details: dict[str, Any]
) -> None:
    """Add an event, whose first word is its kind, to the audit log, unless it is the last of its kind: a crash came after it."""
    event = Event(
        event=what,
        model=model,
        version=version,
        environment=Governance.load().environment,
        deployed_by=actor,
        approval_status=approval,
        compliance_check="not checked",
        details=details,
    )
    kind = what.partition(" ")[0]
    log = [entry for entry in entries() if entry["model"] == model and entry["event"].partition(" ")[0] == kind]
    if not log or Event.from_entry(log[-1]) != event:
        record(client, event)


def numeric_inputs(model: str, version: str) -> list[str]:
    """Return the columns of a version that hold numbers."""
    return [name for name, column in _inputs(model, version).items() if KINDS[column.type] == "numbers"]


def input_problems(model: str, control: str, treatment: str) -> list[str]:
    """Return why clients of the control cannot use the treatment: they send the same columns to both."""
    before, after = _inputs(model, control), _inputs(model, treatment)
    problems = [f"it lacks the column {name} of version {control}" for name in before if name not in after]
    for name, column in after.items():
        known = before.get(name)
        if column.required and not (known and known.required):
            problems.append(f"it requires the column {name}, version {control} does not")
        elif known and (column.type, column.zone) != (known.type, known.zone):
            problems.append(f"its column {name} is {column.type}, that of version {control} {known.type}")
    return problems


def _inputs(model: str, version: str) -> dict[str, Column]:
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    metadata = mlflow.models.get_model_info(f"models:/{model}/{version}").metadata or {}
    if INPUTS not in metadata:
        raise UserError(f"version {version} was not registered by `poe register`: its columns are unknown")
    return {column.name: column for column in Inputs.from_records(metadata[INPUTS]).columns}
