# Managed by copier-mlops: an update merges with your edits.
"""The alerts that wait for a retraining: what receives Alertmanager's webhook writes them, `poe retrain` reads them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import FOLDER as MODEL_FOLDER
from .io import read_json, write_json

FOLDER = Path(MODEL_FOLDER, "data/triggers")


def record(alert: Mapping[str, Any], folder: Path = FOLDER) -> bool:
    """Store a firing alert of Alertmanager's webhook in a model's folder, and return whether it is new.

    Alertmanager repeats an alert until it is resolved: name, fingerprint and start identify it.
    """
    if alert.get("status") != "firing":
        return False
    identity = [alert["labels"]["alertname"], alert.get("fingerprint", ""), alert["startsAt"]]
    path = folder / f"{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]}.json"
    if path.exists():
        return False
    write_json({"name": identity[0], "since": identity[2], "key": f"alert:{':'.join(identity)}"}, path)
    return True


def recorded() -> list[dict[str, str]]:
    """Return name, start and key of each stored alert, the oldest first."""
    found = [read_json(path) for path in FOLDER.glob("*.json")]
    return sorted(found, key=lambda one: one["since"])
