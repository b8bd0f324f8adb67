# Managed by copier-mlops: an update merges with your edits.
"""Serves the newest results of monitoring to Prometheus, and receives Alertmanager's webhook: `poe exporter`.

Batch jobs end before Prometheus could scrape them. This process reads the files that they write, so it loses nothing when
it restarts, and an old result shows by its time.
"""

import argparse
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
import yaml
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .. import FOLDER
from ..core import alerts
from ..core.alerts import Alert
from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_json
from ..registry.client import Tracking
from ..serving.connections import Connection
from . import labels, result
from .result import MonitoringResult
from .settings import Monitoring

PORT = 9108
MAX_BYTES = 1_000_000  # of a webhook

Values = float | int | Mapping[Any, float]  # one, or one for each label or tuple of labels


class Gauge(NamedTuple):
    """A gauge of one model."""

    name: str
    help: str
    values: Values
    labels: tuple[str, ...] = ()


class Results:
    """A collector of Prometheus's client: reads the files of all models at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the newest results, labeled with the model; none before the first."""
        found: dict[str, GaugeMetricFamily] = {}
        for model, folder in folders().items():
            for gauge in _gauges(folder):
                family = GaugeMetricFamily(gauge.name, gauge.help, labels=["model", *gauge.labels])
                family = found.setdefault(gauge.name, family)
                for key, value in gauge.values.items() if isinstance(gauge.values, Mapping) else [((), gauge.values)]:
                    family.add_metric([model, *([key] if isinstance(key, str) else key)], float(value))
        yield from found.values()


def folders() -> dict[str, Path]:
    """Return the folder of each model of this repository by the model's name: those with a `config/tracking.yaml`."""
    paths = [path for place in (".", "*") for path in Path().glob(f"{place}/config/tracking.yaml")]
    named = {yaml.safe_load(path.read_text(encoding="utf-8"))["model"]: path.parents[1] for path in paths}
    return {**named, Tracking.load().model: Path(FOLDER)}


def _gauges(folder: Path) -> Iterator[Gauge]:
    if (path := folder / result.PATH.relative_to(FOLDER)).exists():
        yield from _metrics(MonitoringResult.read(path))
    if (path := folder / labels.REPORT.relative_to(FOLDER)).exists():
        found = labels.Ingested(**read_json(path))
        yield Gauge("labels_last_success_timestamp_seconds", "Last run of `poe labels`", found.ingested.timestamp())
        counts = found.model_dump(exclude={"ingested"})
        yield Gauge("labels_ingested", "Outcomes of the last run of `poe labels`", counts, ("outcome",))


def _metrics(found: MonitoringResult) -> Iterator[Gauge]:
    drift, quality, performance = found.drift, found.quality, found.performance
    settings = Monitoring.load()
    yield Gauge("monitoring_last_success_timestamp_seconds", "Last run of `poe monitor`", found.created.timestamp())
    yield Gauge("monitoring_batch_end_timestamp_seconds", "End of the newest batch", found.end.timestamp())
    yield Gauge("monitoring_rows", "Predictions in the batch", {found.version: found.rows}, ("version",))
    yield Gauge("monitoring_in_a_row_limit", "Batches with an alarm before an alert fires", settings.in_a_row)
    yield Gauge("data_drift_batches_in_a_row", "Batches with data drift up to the newest", drift.in_a_row)
    effects = {(one.name, one.test): one.effect for one in [drift.prediction, *drift.columns]}
    yield Gauge("data_drift_effect", "Effect of the strongest test of a column", effects, ("column", "test"))
    alarms = {one.name: float(one.alarm) for one in [drift.prediction, *drift.columns]}
    yield Gauge("data_drift_alarm", "1 for each column that has drifted", alarms, ("column",))
    yield Gauge("data_quality_problems", "Problems of data quality in the batch", len(quality.problems))
    missing = {one.name: one.missing for one in quality.columns}
    yield Gauge("data_missing_share", "Share of missing values", missing, ("column",))
    unusual = {one.name: one.out_of_range + one.unknown for one in quality.columns}
    yield Gauge("data_unusual_share", "Share of values that the reference lacks", unusual, ("column",))
    if found.concept:
        yield Gauge("concept_surprise_z", "How little labels fit predictions, as a z", found.concept.surprise_z)
        yield Gauge("concept_drift_batches_in_a_row", "Batches with concept drift", found.concept.in_a_row)
    if performance:
        yield Gauge("labels_due", "Predictions whose label is due", performance.due)
        yield Gauge("labels_missing", "Those whose label is not known", performance.due - performance.labeled)
        ends = ("value", "low", "high")
        bounds = {(name, end): getattr(one, end) for name, one in performance.metrics.items() for end in ends}
        yield Gauge("model_performance", "Metrics of predictions whose labels are due", bounds, ("metric", "bound"))
        yield Gauge("model_performance_estimated", "Metrics expected before labels", performance.estimated, ("metric",))
        yield Gauge("model_performance_shortfalls", "Limits of the quality gate missed", len(performance.shortfalls))
    if found.kpi:
        bounds = {(found.kpi.name, end): getattr(found.kpi, end) for end in ("value", "low", "high")}
        yield Gauge("business_kpi", "Business KPI of predictions whose labels are due", bounds, ("name", "bound"))


def folder_of(alert: Alert) -> Path:
    """Return the folder for the alerts of the model in an alert's label; without one, of the model of this package."""
    return folders().get(alert.labels.model or "", Path(FOLDER)) / alerts.FOLDER.relative_to(FOLDER)


def stored(received: list[Alert]) -> int:
    """Record firing alerts as reasons to retrain, each once however often Alertmanager repeats it; return how many are new."""
    new = [alert for alert in received if alerts.record(alert, folder_of(alert))]
    for alert in new:
        print(f"exporter: {alert.labels.alertname} fires and is recorded", file=sys.stderr, flush=True)
    return len(new)


async def receive(request: Request) -> Response:
    """Store the alerts of a message of Alertmanager's webhook."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return PlainTextResponse(f"more than {MAX_BYTES} bytes\n", 413, {"connection": "close"})
    try:
        message = alerts.Message.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = ": ".join([".".join(map(str, first["loc"])) or "body", first["msg"]])
        return PlainTextResponse(f"this is no message of Alertmanager's webhook: {problem}\n", 400)
    return PlainTextResponse(f"{await run_in_threadpool(stored, message.alerts)} new\n")


def metrics(_: Request) -> Response:
    """Return the metrics; if a result cannot be read, Prometheus counts the scrape as failed."""
    try:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
    except UserError as error:
        return PlainTextResponse(f"{error}\n", 500)


REGISTRY = CollectorRegistry(auto_describe=False)
APP = Starlette(routes=[Route("/metrics", metrics), Route("/alerts", receive, methods=["POST"])])


def main() -> None:
    """Serve until a signal stops the process."""
    parser = argparse.ArgumentParser(prog="poe exporter", description="Serve batch metrics; receive alerts.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default=PORT, type=int, help=f"default: {PORT}")
    arguments = parser.parse_args()
    with exit_on_user_error("exporter"):
        Monitoring.load()
        place = f"{arguments.host}:{arguments.port}"
        try:
            listening = socket.create_server((arguments.host, arguments.port))
        except OSError as error:
            raise UserError(f"{place} cannot be used: {error.strerror}; --port names another port") from error
    REGISTRY.register(Results())
    print(f"exporter: http://{place}/metrics", flush=True)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(APP, http=Connection, log_level="warning")).run([listening])


if __name__ == "__main__":
    main()
