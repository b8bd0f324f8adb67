# Managed by copier-mlops: an update merges with your edits.
"""Whether to train again: one decision for all machines that share the audit log, in one line."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mlflow import MlflowClient
from pydantic import BaseModel

from ..core import run_record
from ..core.errors import UserError
from ..core.io import read_json, write_json
from ..core.paths import REPORTS
from ..core.retraining import Retraining
from ..core.run_record import RunRecord
from ..pipeline.comparison import Comparison
from ..registry.audit import note
from ..registry.audit_log import entries, locked
from ..registry.client import Tracking, champion, find
from .triggers import Trigger, labels_contradict, triggers

PATH = REPORTS / "retrain.json"
CLAIM_HOURS = 24  # for which a trigger belongs to the process that decided on it
DECIDED, FINISHED, DECLINED = "retraining decided", "retraining finished", "retraining declined"  # in the audit log


class Retrained(BaseModel, frozen=True):
    """What was decided, and what came of it; `reports/retrain.json`."""

    created: datetime
    today: date
    model: str
    champion: str
    decided: bool
    reason: str  # one line
    triggers: list[Trigger]
    last_registered: str | None = None  # version, when it was decided
    window_days: int | None = None  # that it learns from, in place of the configured one
    candidate: str | None = None
    comparison: Comparison | None = None
    blockers: list[str] = []  # what the validation before deployment found
    outcome: str | None = None  # None until it is finished

    def write(self) -> None:
        """Write `reports/retrain.json`."""
        write_json(self.model_dump(mode="json"), PATH)


def decide(today: date) -> Retrained:
    """Decide, write the decision to the audit log and return it.

    It happens under the lock of the audit log, so of two processes that find the same triggers one decides to act.

    Raises:
        UserError: there is no champion to replace.
    """
    settings, client, model = Retraining.load(), MlflowClient(), Tracking.load().model
    if (version := champion(client, model)) is None:
        raise UserError(
            f"{model} has no champion to replace: `uv run poe promote --version challenger` makes the first"
        )
    with locked():
        log = [entry for entry in entries() if entry["model"] == model]
        claimed = _claimed(log)
        triggered = triggers(settings, find(client, model, version), today)
        found = [one for one in triggered if one.key not in claimed]
        paused = _paused_until(log, settings.pause_days)
        act = bool(found) and (paused is None or today >= paused)
        reason = "; ".join(trigger.reason for trigger in found)
        if not triggered:
            reason = f"nothing calls for another model than champion {version}"
        elif not found:
            reason = f"this was acted on already, as `poe audit` shows: {'; '.join(one.reason for one in triggered)}"
        elif not act:
            reason = f"no retraining before {paused}, {settings.pause_days} days after the last one, although {reason}"
        days = settings.window_days_after_concept_drift if act and labels_contradict(version) else None
        reason += f"; it learns from the last {days} days, since labels contradict older rows" if days else ""
        decision = Retrained(
            created=datetime.now(UTC),
            today=today,
            model=model,
            champion=version,
            last_registered=last_registered(),
            decided=act,
            reason=reason,
            triggers=found,
            window_days=days,
        )
        decision.write()
        log_event(client, decision, DECIDED if act else DECLINED, version, reason)
    return decision


def resume() -> Retrained | None:
    """Return the decision whose retraining a crash interrupted on this machine, or None.

    The crash may have come before the decision was in the audit log: it is added then.
    """
    found = Retrained(**read_json(PATH)) if PATH.exists() else None
    if found is None or not found.decided or found.outcome is not None:
        return None
    with locked():
        log = [entry for entry in entries() if entry["model"] == found.model]
        if not {trigger.key for trigger in found.triggers} <= _claimed(log):
            log_event(MlflowClient(), found, DECIDED, found.champion, found.reason)
    return found


def last_registered() -> str | None:
    """Return the version that was registered last from this folder."""
    run = RunRecord.read() if run_record.PATH.exists() else None
    return str(run.version) if run and run.version else None


def is_finished(about: Retrained) -> bool:
    """Return whether the audit log has the end of a retraining; only inside `locked`."""
    log = [entry for entry in entries() if entry["model"] == about.model and entry["event"] == FINISHED]
    return {trigger.key for trigger in about.triggers} <= _keys(log)


def log_event(client: MlflowClient, about: Retrained, event: str, version: str, reason: str) -> None:
    """Append an entry about a retraining to the audit log; only inside `locked`."""
    keys = [trigger.key for trigger in about.triggers] if event != DECLINED else []
    details = {"reason": reason, "triggers": keys, "today": about.today.isoformat(), "candidate": about.candidate}
    note(client, event, about.model, version, details)


def _claimed(log: list[dict[str, Any]]) -> set[str]:
    """Return the triggers that were acted on, or that another process acts on now."""
    recent = (datetime.now(UTC) - timedelta(hours=CLAIM_HOURS)).isoformat()
    acted = [one for one in log if one["event"] == FINISHED or (one["event"] == DECIDED and one["timestamp"] > recent)]
    return _keys(acted)


def _keys(log: list[dict[str, Any]]) -> set[str]:
    return {key for entry in log for key in json.loads(entry["details"])["triggers"]}


def _paused_until(log: list[dict[str, Any]], days: int) -> date | None:
    """Return until when the last retraining that brought a candidate excludes another one."""
    done = [json.loads(entry["details"]) for entry in log if entry["event"] == FINISHED]
    days_of_candidates = [date.fromisoformat(each["today"]) for each in done if each["candidate"]]
    return max(days_of_candidates) + timedelta(days) if days_of_candidates else None
