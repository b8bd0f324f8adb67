# Managed by copier-mlops: an update merges with your edits.
"""Why a model should be trained again: schedule, new rows, drift, floors that are missed, alerts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Literal

from mlflow.entities.model_registry import ModelVersion
from pydantic import BaseModel

from ..core import alerts
from ..core.io import read_table
from ..core.retraining import Retraining
from ..core.thresholds import metric_of, misses
from ..modeling.data import TIMESTAMP
from ..monitoring import result as monitoring
from ..monitoring.result import MonitoringResult
from ..pipeline.sources.partitions import FOLDER

Kind = Literal["schedule", "new rows", "data drift", "concept drift", "floor", "alert"]


class Trigger(BaseModel, frozen=True):
    """A reason to train again; what has the same key is the same reason."""

    kind: Kind
    key: str
    reason: str


def triggers(settings: Retraining, champion: ModelVersion, today: date) -> list[Trigger]:
    """Return all reasons to replace the champion; an alert that is older than it was about another one."""
    found = [*_of_data(settings, champion, today), *_of_monitoring(settings, str(champion.version))]
    made = datetime.fromtimestamp(champion.creation_timestamp / 1000, UTC)
    for alert in alerts.recorded():
        if alert["name"] in settings.triggers.alerts and datetime.fromisoformat(alert["since"]) > made:
            reason = f"{alert['name']} fires since {alert['since'][:16]}"
            found.append(Trigger(kind="alert", key=alert["key"], reason=reason))
    return found


def _of_data(settings: Retraining, champion: ModelVersion, today: date) -> Iterator[Trigger]:
    if not (until := champion.tags.get("data_until")):
        return
    days, rows = settings.triggers.schedule_days, settings.triggers.new_rows
    age = (today - date.fromisoformat(until)).days
    if days is not None and age >= days:
        key = f"schedule:{champion.version}:{age // days}"
        yield Trigger(kind="schedule", key=key, reason=f"the data of champion {champion.version} ends {age} days ago")
    if rows is not None and (found := new_rows(date.fromisoformat(until))) >= rows:
        key = f"new rows:{champion.version}:{found // rows}"
        yield Trigger(
            kind="new rows", key=key, reason=f"{found:,} rows are newer than the data of champion {champion.version}"
        )


def new_rows(until: date) -> int:
    """Return the number of rows in the partitions that are later than a day."""
    partitions = (read_table(path, columns=[TIMESTAMP])[TIMESTAMP] for path in FOLDER.glob("*.parquet"))
    return sum(int((times.dt.date > until).sum()) for times in partitions)


def labels_contradict(champion: str) -> bool:
    """Return whether the labels of the newest batch do not fit what the champion predicted: older rows do not either."""
    found = _monitored(champion)
    return bool(found and found.concept and found.concept.alarm)


def _monitored(champion: str) -> MonitoringResult | None:
    """Return the last result of monitoring, if it is about the champion and not about one before it."""
    found = MonitoringResult.read() if monitoring.PATH.exists() else None
    return found if found and found.version == champion else None


def _of_monitoring(settings: Retraining, champion: str) -> Iterator[Trigger]:
    if (found := _monitored(champion)) is None:
        return
    limits, batch = settings.triggers, f"{champion}:{found.end.isoformat()}"
    if limits.data_drift_batches and found.drift.in_a_row >= limits.data_drift_batches:
        reason = f"{found.drift.in_a_row} batches in a row drifted: {', '.join(found.drifted)}"
        yield Trigger(kind="data drift", key=f"data drift:{batch}", reason=reason)
    if limits.concept_drift_batches and found.concept and found.concept.in_a_row >= limits.concept_drift_batches:
        reason = f"labels do not fit the predictions: surprise z {found.concept.surprise_z:.1f}, {found.concept.in_a_row} batches in a row"
        yield Trigger(kind="concept drift", key=f"concept drift:{batch}", reason=reason)
    for threshold, limit in limits.floors.items():
        name = metric_of(threshold)
        if (one := found.intervals.get(name)) and misses(one.best(threshold), threshold, limit):
            reason = (
                f"{name} of labeled predictions is {one.low:.4g} to {one.high:.4g}: it misses {threshold} {limit:g}"
            )
            yield Trigger(kind="floor", key=f"floor:{threshold}:{batch}", reason=reason)
