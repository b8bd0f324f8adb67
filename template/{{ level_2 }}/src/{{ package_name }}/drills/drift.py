# Managed by copier-mlops: an update merges with your edits.
"""Customers change while the server runs: Prometheus and Alertmanager fire, a new model becomes champion, the alert resolves."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import pandas as pd

from ..core import alerts
from ..core.environment import environment
from ..core.programs import free_port
from ..core.run_record import RunRecord
from ..monitoring.client import Client
from ..monitoring.live_server import live_server
from ..monitoring.monitor import Monitor
from ..monitoring.prediction_log import Window, read
from ..training import new_data
from ..training.retrain import retrain
from . import Evidence
from .harness.alerting import alerting, firing
from .harness.months import CONCEPT_DRIFT, DAYS, months
from .harness.sandbox import Sandbox, quiet, sandbox, wait

ROWS = 600  # of a month
SETTINGS = {
    "MONITORING_HISTORY": "1",
    "MONITORING_IN_A_ROW": "1",  # of batches; a second one would only take longer
    "RETRAINING_PROMOTION": "automatic",
    "RETRAINING_TRIGGERS": '{"schedule_days": null, "new_rows": null, "data_drift_batches": null, '
    '"concept_drift_batches": null, "floors": {}, "alerts": ["DataDrift"]}',  # the alert alone
    "RETRAINING_WINDOW_DAYS": str(2 * DAYS),
}


def main() -> Evidence:
    """Send the rows of two months after data and concept have drifted, then those of a third to the new champion."""
    port = free_port()
    with sandbox() as copy, environment(**SETTINGS), live_server() as server:
        first, second, third = islice(months(ROWS, seed=0), CONCEPT_DRIFT - 1, CONCEPT_DRIFT + 2)
        exporter = copy.serving("monitoring.exporter", port, **SETTINGS)
        with exporter, alerting(f"127.0.0.1:{port}", [server.place]) as started:
            return _drill(copy, server, started.manager, pd.concat([first, second], ignore_index=True), third)


def _drill(copy: Sandbox, server: Client, manager: str, drifted: pd.DataFrame, later: pd.DataFrame) -> Evidence:
    fault = time.monotonic()
    serve_and_monitor(server, drifted)
    wait(lambda: [one for one in alerts.recorded() if one["name"] == "DataDrift"], "DataDrift reaches the webhook")
    detected, fired = time.monotonic() - fault, firing(manager)
    with quiet():
        learn_from(copy, drifted)
        done = retrain(RunRecord.read().last_day)
    promoted = "is the champion" in str(done.outcome)
    if promoted:
        version = str(done.candidate)
        serve_and_monitor(server, later, version)
        wait(lambda: "DataDrift" not in firing(manager), "DataDrift is resolved")
    return Evidence(
        fault=f"data and concept of {len(drifted)} live rows drift",
        detected_after_seconds=detected,
        decision=done.reason,
        action=f"{', '.join(fired)} fired; {done.outcome}{'; DataDrift is resolved' if promoted else ''}",
        recovered_after_seconds=time.monotonic() - fault if promoted else None,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=promoted and not server.failed,
    )


def learn_from(copy: Sandbox, rows: pd.DataFrame) -> None:
    """Add rows, with their labels, to the data that a retraining uses."""
    new_data.add(rows, new_data.so_far(), datetime.now(UTC) + timedelta(days=100 * DAYS))  # of a simulated future
    copy.commit("New data")


def serve_and_monitor(server: Client, rows: pd.DataFrame, version: str | None = None) -> None:
    """Once a version is served, send a request for each row, wait until all are logged, and monitor them as a batch."""
    if version:
        wait(lambda: (server.send(rows.head(1))[0] or {}).get("version") == version, f"version {version} is served")
    start = datetime.now(UTC)
    server.send(rows)
    window = Window(start, datetime.now(UTC))
    wait(lambda: len(read(*window, ["row"])) >= len(rows), "all predictions in the log")
    Monitor.load().run(window)[0][-1].write()
