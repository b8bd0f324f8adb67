# Managed by copier-mlops: an update merges with your edits.
"""Prometheus metrics. Alert rules and dashboard in `monitoring/` depend on these names."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # else each counter has a second series, its start time
SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]  # 0.5 is the limit in the alert rules
MODEL = ["model", "version", "variant"]  # the variant is the alias by which the version was found


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, prediction_buckets: Iterable[float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        to: dict[str, Any] = {"registry": self.registry}
        requests = Counter("inference_requests", "Requests answered", [*MODEL, "code"], **to)
        seconds = Histogram("inference_request_duration_seconds", "Time to the response", MODEL, buckets=SECONDS, **to)
        values = Histogram(
            "prediction_value",
            "Predicted value: the number; P(positive class); or the highest class probability",
            MODEL,
            buckets=[*prediction_buckets],
            **to,
        )
        errors = Counter("plugin_errors", "Failed calls of server plug-ins", ["plugin", "hook"], **to)
        # Cache labeled children: labels() costs more than inc().
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)
        self._values, self.plugin_errors = cache(values.labels), cache(errors.labels)
        self.dropped = Counter("predictions_dropped", "Predictions not passed to observers: the queue was full", **to)
        self.ready = Gauge("model_ready", "1 if a version is loaded", ["model"], **to)
        self.info = Gauge("model_info", "1 for each version that is served", [*MODEL, "fast_path"], **to)
        self.reloads = Counter("model_reloads", "Attempts to load a version", ["model", "outcome"], **to)

    def observe_request(self, model: str, version: str, variant: str, code: int, seconds: float) -> None:
        """Count a response and its time."""
        self._requests(model, version, variant, code).inc()
        self._seconds(model, version, variant).observe(seconds)

    def observe_predictions(self, model: str, version: str, variant: str, values: list[float]) -> None:
        """Count predicted values, one for each row."""
        observe = self._values(model, version, variant).observe
        for value in values:
            observe(value)
