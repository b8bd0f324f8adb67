# Managed by copier-mlops: an update merges with your edits.
"""Faults that experiments cause in the running system, and that their rollbacks take back."""

import json
import shutil
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from ..drills.bad_batch import write_batches
from ..drills.drift import serve_and_monitor
from ..drills.harness.faults import register
from ..drills.harness.months import CONCEPT_DRIFT, DAYS, months, next_rows
from ..drills.harness.sandbox import quiet, wait
from ..monitoring.client import Client
from ..registry.approval import claimed
from ..registry.client import CHAMPION, Tracking, champion, connected
from ..registry.promotion import promote
from ..training import new_data
from .system import NAMES, current

ALERT = "ModelServerErrors"  # that faults of reporting are tried with
SENT_SECONDS = 2  # in which Alertmanager has sent what was reported
LOG = Path("data/predictions")
ROWS = 600  # of a month


def release(errors: float = 0, seconds: float = 0) -> str:
    """Promote a version that raises for a share of the predictions, or takes seconds longer for one in twenty."""
    with quiet(), connected():
        version = register(errors=errors, seconds=seconds)
        return promote(Tracking.load().model, version, claimed("game day"))


def tamper_champion() -> str:
    """Change a file of the champion where the registry stores it, and kill a server, which then has to load it again."""
    with connected():
        found = MlflowClient().get_model_version_by_alias(Tracking.load().model, CHAMPION)
    [path] = Path().rglob(f"{str(found.source).rpartition('/')[2]}/artifacts/MLmodel")
    path.write_text(f"{path.read_text(encoding='utf-8')}# changed\n", encoding="utf-8")
    kill_server()
    return f"{path} was changed"


def kill_server() -> str:
    """Kill a server as `kill -9` does."""
    current().pods.servers[NAMES[0]].process.kill()
    return f"the server {NAMES[0]} was killed"


def cut_registry() -> str:
    """Cut all connections to the registry."""
    current().registry.cut()
    return "nothing reaches the registry"


def restore_registry() -> str:
    """Let connections reach the registry again."""
    current().registry.restore()
    return "the registry can be reached"


def block_log() -> str:
    """Put a file in the place of the prediction log, as on a disk that is full no part can be written."""
    LOG.rename("predictions-kept")
    LOG.write_text("no folder", encoding="utf-8")
    return f"{LOG} cannot be written"


def unblock_log() -> str:
    """Put the prediction log back."""
    if LOG.is_file():
        LOG.unlink()
        shutil.move("predictions-kept", LOG)
    return f"{LOG} can be written"


def alert(times: int = 1, hours: float = 0) -> str:
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
    return f"{ALERT} was reported {times} times"


def resolve() -> str:
    """Report to Alertmanager that the alert is resolved."""
    now = datetime.now(UTC)
    _report(now - timedelta(seconds=1), now)
    time.sleep(SENT_SECONDS)
    return f"{ALERT} is resolved"


def _report(starts: datetime, ends: datetime) -> None:
    labels = {"alertname": ALERT, "namespace": f"{Tracking.load().model}-production", "reporter": "game day"}
    body = [{"labels": labels, "startsAt": starts.isoformat(), "endsAt": ends.isoformat()}]
    url = f"http://{current().alerts.manager}/api/v2/alerts"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def drifted_months(first: int, count: int, learn: bool = True) -> str:
    """Serve and monitor the rows of months after data and concept have drifted, as one batch.

    Args:
        first: number of the month after the drift.
        count: of months.
        learn: add them to the data that a retraining uses, labels and all.
    """
    begin = CONCEPT_DRIFT - 1 + first
    rows = pd.concat(islice(months(ROWS, seed=0), begin, begin + count), ignore_index=True)
    server = Client(f"http://{current().pods.servers[NAMES[0]].place}")
    with quiet(), connected():
        if learn:
            later = datetime.now(UTC) + timedelta(days=100 * DAYS)  # the rows are of a simulated future
            new_data.add(rows, new_data.so_far(), later)
            current().copy.commit("New data")
        version = champion(MlflowClient(), Tracking.load().model)
        wait(lambda: (server.send(rows.head(1))[0] or {}).get("version") == version, "the champion is served")
        serve_and_monitor(server, rows)
    return f"{len(rows)} rows of drifted months were served"


def poisoned_batch() -> str:
    """Write a batch one of whose features holds texts instead of numbers, and the batch as it should be."""
    return f"{write_batches(next_rows())} holds texts"
