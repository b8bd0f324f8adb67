# Managed by copier-mlops: an update merges with your edits.
"""The prediction log cannot be written: no response is delayed or lost, what was not logged is counted."""

import time
from datetime import UTC, datetime
from pathlib import Path

from ..monitoring.live_server import live_server
from ..monitoring.prediction_log import read
from . import Evidence
from .harness.months import next_rows
from .harness.sandbox import sandbox, wait

DROPPED = "prediction_log_dropped_rows_total"
ROWS = 50
LOG, KEPT = Path("data/predictions"), Path("predictions-kept")


def main() -> Evidence:
    """Predict rows before, while and after the place of the log is taken by a file, as on a disk that is full."""
    rows, begun = next_rows(ROWS), datetime.now(UTC)
    with sandbox(), live_server() as server:
        server.send(rows)
        wait(lambda: len(read(begun, datetime.now(UTC))) == ROWS, "the first predictions in the log")
        block()
        started = time.monotonic()
        server.send(rows)
        wait(lambda: server.metric(DROPPED) > 0, "predictions that are counted as dropped")
        detected = time.monotonic() - started
        wait(lambda: server.metric(DROPPED) == ROWS, "all predictions counted")
        unblock()
        server.send(rows)
        wait(lambda: len(read(begun, datetime.now(UTC))) == 2 * ROWS, "later predictions in the log")
        recovered = time.monotonic() - started
    return Evidence(
        fault="the place of the prediction log cannot be written",
        detected_after_seconds=detected,
        decision=f"{ROWS} rows were dropped and counted, which PredictionLogDropsRows reports",
        action="the log went on when the place could be written again",
        recovered_after_seconds=recovered,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=server.failed == 0,
    )


def block() -> None:
    """Put a file in the place of the log, as on a disk that is full no part can be written."""
    LOG.mkdir(parents=True, exist_ok=True)
    LOG.rename(KEPT)
    LOG.write_text("no folder", encoding="utf-8")


def unblock() -> None:
    """Put the log back, if it is blocked."""
    if LOG.is_file():
        LOG.unlink()
        KEPT.rename(LOG)
