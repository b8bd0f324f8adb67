# Managed by copier-mlops: an update merges with your edits.
"""Serves the newest results of monitoring to Prometheus, and receives Alertmanager's webhook: `poe exporter`.

Batch jobs end before Prometheus could scrape them. This process reads the files that they write, so it loses nothing when
it restarts, and an old result shows by its time.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ..core.errors import exit_on_user_error
from ..core.io import read_json
from ..core.triggers import record
from . import labels, result
from .result import MonitoringResult
from .settings import Monitoring

PORT = 9108
MAX_BYTES = 1_000_000  # of a webhook


class Results:
    """A collector of Prometheus's client: reads the files at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the newest results; none before the first."""
        if result.PATH.exists():
            yield from _metrics(MonitoringResult.read())
        if labels.REPORT.exists():
            found = labels.Ingested(**read_json(labels.REPORT))
            yield _gauge(
                "labels_last_success_timestamp_seconds", "Last run of `poe labels`", found.ingested.timestamp()
            )
            counts = found.model_dump(exclude={"ingested"})
            yield _gauge("labels_ingested", "Outcomes of the last run of `poe labels`", counts, "outcome")


def _metrics(found: MonitoringResult) -> Iterator[Metric]:
    drift, quality, performance = found.drift, found.quality, found.performance
    settings = Monitoring.load()
    yield _gauge("monitoring_last_success_timestamp_seconds", "Last run of `poe monitor`", found.created.timestamp())
    yield _gauge("monitoring_batch_end_timestamp_seconds", "End of the newest batch", found.end.timestamp())
    yield _gauge("monitoring_rows", "Predictions in the batch", {found.version: found.rows}, "version")
    yield _gauge("monitoring_in_a_row_limit", "Batches with an alarm before an alert fires", settings.in_a_row)
    yield _gauge("data_drift_batches_in_a_row", "Batches with data drift up to the newest", drift.in_a_row)
    effects = {(one.name, one.test): one.effect for one in [drift.prediction, *drift.columns]}
    yield _gauge("data_drift_effect", "Effect of the strongest test of a column", effects, "column", "test")
    alarms = {one.name: float(one.alarm) for one in [drift.prediction, *drift.columns]}
    yield _gauge("data_drift_alarm", "1 for each column that has drifted", alarms, "column")
    yield _gauge("data_quality_problems", "Problems of data quality in the batch", len(quality.problems))
    missing = {one.name: one.missing for one in quality.columns}
    yield _gauge("data_missing_share", "Share of missing values", missing, "column")
    unusual = {one.name: one.out_of_range + one.unknown for one in quality.columns}
    yield _gauge("data_unusual_share", "Share of values that the reference lacks", unusual, "column")
    if found.concept:
        yield _gauge("concept_surprise_z", "How little labels fit predictions, as a z", found.concept.surprise_z)
        yield _gauge("concept_drift_batches_in_a_row", "Batches with concept drift", found.concept.in_a_row)
    if performance:
        yield _gauge("labels_due", "Predictions whose label is due", performance.due)
        yield _gauge("labels_missing", "Those whose label is not known", performance.due - performance.labelled)
        ends = ("value", "low", "high")
        bounds = {(name, end): getattr(one, end) for name, one in performance.metrics.items() for end in ends}
        yield _gauge("model_performance", "Metrics of predictions whose labels are due", bounds, "metric", "bound")
        yield _gauge("model_performance_estimated", "Metrics expected before labels", performance.estimated, "metric")
        yield _gauge("model_performance_shortfalls", "Limits of the quality gate missed", len(performance.shortfalls))
    if found.kpi:
        bounds = {(found.kpi.name, end): getattr(found.kpi, end) for end in ("value", "low", "high")}
        yield _gauge("business_kpi", "Business KPI of predictions whose labels are due", bounds, "name", "bound")


def _gauge(name: str, help: str, values: Any, *names: str) -> Metric:
    """Return a gauge with one value, or with one for each label or tuple of labels."""
    gauge = GaugeMetricFamily(name, help, labels=names)
    for key, value in values.items() if isinstance(values, dict) else [((), values)]:
        gauge.add_metric([key] if isinstance(key, str) else [*key], float(value))
    return gauge


class Handler(BaseHTTPRequestHandler):
    """`GET /metrics` and `POST /alerts`."""

    registry = CollectorRegistry(auto_describe=False)

    def do_GET(self) -> None:
        """Answer with the metrics."""
        if self.path == "/metrics":
            self._answer(200, generate_latest(self.registry), CONTENT_TYPE_LATEST)
        else:
            self._answer(404, b"there are /metrics and /alerts\n")

    def do_POST(self) -> None:
        """Record firing alerts as reasons to retrain; each once, however often Alertmanager repeats it."""
        size = int(self.headers.get("Content-Length") or 0)
        if self.path != "/alerts" or size > MAX_BYTES:
            self._answer(404 if size <= MAX_BYTES else 413, b"POST alerts of Alertmanager to /alerts\n")
            return
        try:
            firing = [alert for alert in json.loads(self.rfile.read(size))["alerts"] if alert["status"] == "firing"]
            new = [alert["labels"]["alertname"] for alert in firing if record(alert)]
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, f"this is no message of Alertmanager's webhook: {error!r}\n".encode())
            return
        for name in new:
            print(f"exporter: {name} fires and is recorded", file=sys.stderr, flush=True)
        self._answer(200, f"{len(new)} new\n".encode())

    def _answer(self, code: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log no request: Prometheus sends four a minute."""


def main() -> None:
    """Serve until a signal stops the process."""
    parser = argparse.ArgumentParser(prog="poe exporter", description="Serve batch metrics; receive alerts.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default=PORT, type=int, help=f"default: {PORT}")
    arguments = parser.parse_args()
    with exit_on_user_error("exporter"):
        Monitoring.load()
    Handler.registry.register(Results())
    with ThreadingHTTPServer((arguments.host, arguments.port), Handler) as server:
        print(f"exporter: http://{arguments.host}:{arguments.port}/metrics", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
