# Managed by copier-mlops: an update merges with your edits.
"""The alerts that wait for a retraining: what receives Alertmanager's webhook writes them, `poe retrain` reads them."""

import hashlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from .. import FOLDER as MODEL_FOLDER
from .io import read_json, write_json

FOLDER = Path(MODEL_FOLDER, "data/triggers")
MAX_ALERTS = 1_000  # that are kept, the newest: no client of the webhook can fill the disk


class Labels(BaseModel, frozen=True):
    """The labels of an alert that matter here."""

    alertname: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]  # one line
    model: str | None = None


class Alert(BaseModel, frozen=True):
    """An alert as Alertmanager sends it: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

    status: str
    labels: Labels
    since: AwareDatetime = Field(validation_alias="startsAt")
    fingerprint: Annotated[str, Field(max_length=200)] = ""


class Message(BaseModel, frozen=True):
    """The body of a request of Alertmanager's webhook."""

    alerts: list[Alert]


def record(alert: Alert, folder: Path = FOLDER) -> bool:
    """Store a firing alert in a model's folder, and return whether it is new.

    Alertmanager repeats an alert until it is resolved: name, fingerprint and start identify it.
    """
    if alert.status != "firing":
        return False
    identity = [alert.labels.alertname, alert.fingerprint, alert.since.isoformat()]
    path = folder / f"{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]}.json"
    if path.exists():
        return False
    write_json({"name": identity[0], "since": identity[2], "key": f"alert:{':'.join(identity)}"}, path)
    for old in sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-MAX_ALERTS]:
        old.unlink(missing_ok=True)
    return True


def recorded() -> list[dict[str, str]]:
    """Return name, start and key of each stored alert, the oldest first."""
    found = [read_json(path) for path in FOLDER.glob("*.json")]
    return sorted(found, key=lambda one: one["since"])
