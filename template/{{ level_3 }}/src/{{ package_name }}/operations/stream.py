# Managed by copier-mlops: an update merges with your edits.
"""Monitors predictions while they are made, one window of a minute after the other: `poe stream`.

Each window is compared with the data of its version by the tests of `poe monitor`, at a significance that holds for all
windows of a day together (Bonferroni). The loss of predictions whose labels are known is compared with that of the test
rows by the confidence sequence of A/B tests, so it may be looked at any time; it assumes independent entities.
"""

import argparse
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from prometheus_client import REGISTRY, Gauge, start_http_server
from pydantic import PositiveFloat, PositiveInt

from ..core.errors import UserError, exit_on_user_error
from ..core.settings import Settings
from ..core.tracing import provider
from ..experiments.measures import measure
from ..experiments.statistics import MIN_ENTITIES, difference
from ..monitoring import reference
from ..monitoring.labels import LABELS, labeled
from ..monitoring.monitor import Monitor
from ..monitoring.performance import Truth, as_prediction
from ..monitoring.prediction_log import Window
from ..monitoring.settings import Share

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

PORT = 9110
FLUSH_SECONDS = 2  # until the server has written the predictions of a window
DAY_SECONDS = 86_400
MAX_ROWS = 100_000  # of labeled predictions; of more, a sample
END = Gauge("stream_window_end_timestamp_seconds", "End of the newest window", ["model"])
ROWS = Gauge("stream_rows", "Predictions in the window", ["model"])
DRIFTED = Gauge("stream_drifted_columns", "Columns that have drifted in the window; the prediction is one", ["model"])
LABELED = Gauge("stream_labels", "Entities whose labels are known", ["model"])
EXCESS = Gauge("stream_loss_excess", "Their mean loss minus that of the test rows", ["model", "bound"])


class Streaming(Settings, env_prefix="STREAM_"):
    """The schema of `config/stream.yaml`."""

    window_seconds: PositiveFloat
    significance: Share
    min_rows: PositiveInt
    planned_labels: PositiveInt


class Stream:
    """What one process has seen of the predictions of the model."""

    def __init__(self, settings: Streaming, started: datetime) -> None:
        monitor = Monitor.load()
        daily = min(1.0, settings.window_seconds / DAY_SECONDS) * settings.significance
        self._monitor = replace(monitor, settings=monitor.settings.model_copy(update={"significance": daily}))
        self._settings, self._tracing = settings, provider("labels")
        self._since = started - timedelta(hours=monitor.settings.label_window_hours)  # where the sequence starts
        self._version, self._read, self._loss = "", ({}, ""), ""
        self._traced = {*_traceparents(labeled(self._since, started))} if self._tracing else set()

    def look(self, window: Window) -> str:
        """Return a line about a window, and set the metrics."""
        model, batch = self._monitor.model, self._monitor.batch(window)
        drifted, self._version = [], batch.version or self._version
        parts = [f"{batch.rows:,} predictions" + f" of version {batch.version}" * bool(batch.rows)]
        if len(batch.sample) >= self._settings.min_rows:
            drift, _ = self._monitor.compare(batch.version, batch.sample, None)
            drifted = [one.name for one in [drift.prediction, *drift.columns] if one.alarm]
            parts.append(f"drift in {', '.join(drifted)}" if drifted else "no drift")
        files = {path.name: path.stat().st_mtime_ns for path in LABELS.glob("*.parquet")}
        if self._version and self._read != (files, self._version):
            self._read, self._loss = (files, self._version), self._compare_loss()
        ROWS.labels(model).set(batch.rows)
        DRIFTED.labels(model).set(len(drifted))
        END.labels(model).set(window.end.timestamp())
        return f"{window.end:%H:%M:%S} {'; '.join([*parts, *([self._loss] if self._loss else [])])}"

    def _compare_loss(self) -> str:
        """Return how the loss of the version's predictions differs from that of its test rows."""
        rows = labeled(self._since, datetime.now(UTC), self._version, MAX_ROWS)
        if self._tracing:
            self._trace(self._tracing.get_tracer(__name__), _traceparents(rows))
        rows = rows[rows["target"].notna()].sort_values("time").drop_duplicates("entity")
        model = self._monitor.model
        LABELED.labels(model).set(len(rows))
        known, tested = _tested(model, self._version)
        if len(rows) < MIN_ENTITIES:
            return f"{len(rows)} of {MIN_ENTITIES} labels"
        losses = measure("loss", Truth.of(rows, known))
        found = difference(tested, losses, self._settings.planned_labels, self._settings.significance)
        for bound, value in found._asdict().items():
            EXCESS.labels(model, bound).set(value)
        return f"loss {found.value:+.3g} [{found.low:+.3g}, {found.high:+.3g}] to the test rows, {len(rows):,} labels"

    def _trace(self, tracer: "Tracer", predicted: dict[tuple[str, int], str]) -> None:
        """Make a span for each label that is known since the last look, with a link to that of its prediction."""
        from opentelemetry.trace import Link, get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator as TraceContext

        for request_id, row in predicted.keys() - self._traced:
            context = get_current_span(TraceContext().extract({"traceparent": predicted[request_id, row]}))
            attributes = {"prediction.request_id": request_id, "prediction.row": row}
            tracer.start_span("label", links=[Link(context.get_span_context())], attributes=attributes).end()
        self._traced |= predicted.keys()


def _traceparents(rows: pd.DataFrame) -> dict[tuple[str, int], str]:
    """Return the trace context of each labeled prediction that has one, by request and row."""
    traced = rows[rows["target"].notna() & rows["traceparent"].notna()]
    return dict(zip(zip(traced["request_id"], traced["row"], strict=True), traced["traceparent"], strict=True))


@cache
def _tested(model: str, version: str) -> tuple[reference.Reference, np.ndarray]:
    """Return the reference of a version, and the losses of its test rows."""
    known = reference.load(model, version)
    target = known.target.reset_index(drop=True)
    truth = Truth(target, as_prediction(known.output, known.classes), pd.Series(dtype=float), pd.DataFrame())
    return known, measure("loss", truth)


def main() -> None:
    """Print a line for each window until a signal stops the process, and serve the metrics."""
    parser = argparse.ArgumentParser(prog="poe stream", description="Monitor predictions while they are made.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default=PORT, type=int, help=f"of the metrics; default: {PORT}")
    parser.add_argument("--windows", type=int, metavar="N", help="stop after N windows")
    arguments = parser.parse_args()
    with exit_on_user_error("stream"):
        settings, start = Streaming.load(), datetime.now(UTC)
        stream, length = Stream(settings, start), timedelta(seconds=settings.window_seconds)
        try:
            start_http_server(arguments.port, arguments.host, REGISTRY)
        except OSError as error:
            raise UserError(f"{arguments.host}:{arguments.port} cannot be used: {error.strerror}") from error
        for number in islice(count(), arguments.windows):
            window = Window(start + number * length, start + (number + 1) * length)
            time.sleep(max(0.0, window.end.timestamp() + FLUSH_SECONDS - time.time()))
            try:
                print(stream.look(window), flush=True)
            except UserError as error:  # such as a registry that is down: the next window may be looked at again
                print(f"stream: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
