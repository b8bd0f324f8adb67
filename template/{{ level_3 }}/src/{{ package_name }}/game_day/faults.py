# Managed by copier-mlops: an update merges with your edits.
"""Faults that experiments cause in the running system, and that their rollbacks take back."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pandas as pd
import requests
from mlflow import MlflowClient

from ..core.programs import is_ready
from ..drills.bad_batch import write_batches
from ..drills.drift import ROWS, learn_from, serve_and_monitor
from ..drills.harness.faults import register
from ..drills.harness.months import CONCEPT_DRIFT, months, next_rows
from ..drills.harness.sandbox import quiet, wait
from ..drills.registry_down import registry
from ..modeling.data import TIMESTAMP
from ..monitoring.client import Client
from ..registry.approval import claimed
from ..registry.client import Tracking, champion, connected
from ..registry.promotion import promote
from .system import NAMES, current

ALERT = "ModelServerErrors"  # that faults of reporting are tried with
SENT_SECONDS = 2  # in which Alertmanager has sent what was reported


def release(errors: float = 0, seconds: float = 0) -> str:
    """Promote a version that raises for a share of the predictions, or takes seconds longer for one in twenty."""
    with quiet(), connected():
        version = register(errors=errors, seconds=seconds)
        promote(Tracking.load().model, version, claimed("game day"))
    return version


def tamper_champion() -> None:
    """Change a file of a released version where the registry stores it, and kill a server, which then has to load it again."""
    version = release()
    system = current()
    wait(lambda: version in system.clients.versions, "the release is served")
    with connected():
        source = str(MlflowClient().get_model_version(Tracking.load().model, version).source)
    [path] = Path().rglob(f"{source.rpartition('/')[2]}/artifacts/MLmodel")
    path.write_text(f"{path.read_text(encoding='utf-8')}# changed\n", encoding="utf-8")
    kill_server()


def kill_server() -> None:
    """Kill a server as `kill -9` does."""
    current().servers[NAMES[0]].process.kill()


def kill_registry() -> None:
    """Kill the registry as `kill -9` does."""
    current().registry.close()


def start_registry() -> None:
    """Start the registry, unless it runs."""
    system = current()
    if not is_ready(f"http://127.0.0.1:{system.port}/health"):
        system.registry.enter_context(registry(system.port))


def alert(times: int = 1, hours: float = 0) -> None:
    """Report ModelServerErrors to Alertmanager, resolved and reported again if `times` is more than one.

    Args:
        times: that it fires.
        hours: that the clock of the reporter is ahead.
    """
    for _ in range(times):
        resolve()
        began = datetime.now(UTC) + timedelta(hours=hours)
        _report(began, began + timedelta(hours=1))
        time.sleep(SENT_SECONDS)


def resolve() -> None:
    """Report to Alertmanager that the alert is resolved."""
    now = datetime.now(UTC)
    _report(now - timedelta(seconds=1), now)
    time.sleep(SENT_SECONDS)


def _report(starts: datetime, ends: datetime) -> None:
    labels = {"alertname": ALERT, "namespace": f"{Tracking.load().model}-production", "reporter": "game day"}
    body = [{"labels": labels, "startsAt": starts.isoformat(), "endsAt": ends.isoformat()}]
    requests.post(f"http://{current().alerts.manager}/api/v2/alerts", json=body, timeout=10).raise_for_status()


def drifted_months(first: int, count: int, learn: bool = True) -> None:
    """Serve and monitor the rows of months after data and concept have drifted, as one batch.

    Args:
        first: number of the month after the drift.
        count: of months.
        learn: add them to the data that a retraining uses, labels and all.
    """
    begin, system = CONCEPT_DRIFT - 1 + first, current()
    rows = pd.concat(islice(months(ROWS, seed=0), begin, begin + count), ignore_index=True)
    with quiet(), connected(), system.clients.paused():  # whose rows are as before the drift
        if learn:
            learn_from(system.copy, rows)
        version = champion(MlflowClient(), Tracking.load().model)
        serve_and_monitor(Client(f"http://{system.servers[NAMES[0]].place}"), rows, version)


def poisoned_batch() -> None:
    """Write a batch one of whose features holds texts instead of numbers, and the batch as it should be.

    Its rows are of today at the latest: those of drifted months are of the future, which new rows must not be.
    """
    rows = next_rows()
    future = rows[TIMESTAMP].max() - pd.Timestamp.now(rows[TIMESTAMP].dt.tz)
    write_batches(rows.assign(**{TIMESTAMP: rows[TIMESTAMP] - max(future, pd.Timedelta(0))}))
