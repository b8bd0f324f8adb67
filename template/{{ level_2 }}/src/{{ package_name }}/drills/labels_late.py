# Managed by copier-mlops: an update merges with your edits.
"""Outcomes stop arriving: monitoring reports it, and measures again once they come, late, repeated and corrected."""

import time
from datetime import UTC, datetime, timedelta

import pandas as pd

from ..core.environment import environment
from ..modeling.data import ENTITY, TARGET, VALUE
from ..modeling.labels import TIME
from ..monitoring.labels import ingest
from ..monitoring.live_server import live_server
from ..monitoring.monitor import Monitor, summary
from ..monitoring.prediction_log import Window, read
from ..monitoring.result import Performance
from . import Evidence
from .harness.months import next_rows
from .harness.sandbox import sandbox, wait

DUE_AT_ONCE = {"MONITORING_HISTORY": "1", "MONITORING_LABEL_DELAY_HOURS": "0", "MONITORING_MIN_LABELS": "20"}


def main() -> Evidence:
    """Predict rows, ingest no outcome, then all of them twice, the first time with a wrong one."""
    rows = next_rows(300)
    with sandbox(), live_server() as server, environment(**DUE_AT_ONCE):
        begun = datetime.now(UTC)
        server.send(rows)
        wait(lambda: len(read(begun, datetime.now(UTC))) == len(rows), "all predictions in the log")
        window = Window(begun, datetime.now(UTC) + timedelta(seconds=1))
        started = time.monotonic()
        before, decision = _performance(window)
        detected = time.monotonic() - started if before.labeled == 0 and before.due == len(rows) else None
        outcomes = rows[[ENTITY, TARGET, VALUE]].assign(**{TIME: datetime.now(UTC)})
        wrong = outcomes.assign(**{TARGET: outcomes[TARGET].sample(frac=1, random_state=0).to_numpy()})
        ingest(wrong.head(200))
        late = ingest(pd.concat([outcomes, outcomes.tail(50)]))
        after, _ = _performance(window)
        recovered = after.labeled == len(rows) and bool(after.metrics)
        seconds = time.monotonic() - started
    return Evidence(
        fault=f"no outcome of {len(rows)} predictions that are due",
        detected_after_seconds=detected,
        decision=decision,
        action=f"outcomes were ingested: {late.line()}",
        recovered_after_seconds=seconds if recovered else None,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=recovered and detected is not None,
    )


def _performance(window: Window) -> tuple[Performance, str]:
    """Return the performance of a batch whose labels are due at once, and the line about the batch."""
    results, _ = Monitor.load().run(window)
    performance = results[-1].performance
    assert performance is not None  # there are predictions that are due
    return performance, summary(results[-1])
