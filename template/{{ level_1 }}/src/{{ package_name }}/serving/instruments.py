# Managed by copier-mlops: an update merges with your edits.
"""What Prometheus is told. The rules and the dashboard in `monitoring/` ask for these names."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # a second series for each one, which nobody asks for
SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]  # 0.5 is what the rules ask about


class Instruments:
    """Counters of one server; a test may have several servers."""

    def __init__(self, prediction_buckets: Iterable[float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        of: dict[str, Any] = {"registry": self.registry}
        version = ["model", "version"]
        requests = Counter("inference_requests", "Requests answered", [*version, "code"], **of)
        seconds = Histogram("inference_request_duration_seconds", "Time to an answer", version, buckets=SECONDS, **of)
        values = Histogram(
            "prediction_value",
            "Predicted numbers; of two classes the probability of the second, of more that of the likeliest",
            version,
            buckets=[*prediction_buckets],
            **of,
        )
        # Each request asks for the same few; looking labels up takes longer than counting.
        self._requests, self._seconds = cache(requests.labels), cache(seconds.labels)
        self._values = cache(values.labels)
        self._ready = Gauge("model_ready", "1 once there is a version to answer with", ["model"], **of)
        self._info = Gauge("model_info", "1 for the version that answers", [*version, "fast_path"], **of)
        self._reloads = Counter("model_reloads", "Attempts to load another version", ["model", "outcome"], **of)

    def answered(self, model: str, version: str, code: int, seconds: float) -> None:
        """Count an answer."""
        self._requests(model, version, code).inc()
        self._seconds(model, version).observe(seconds)

    def predicted(self, model: str, version: str, values: list[float]) -> None:
        """Count what was predicted, a value for each row."""
        observe = self._values(model, version).observe
        for value in values:
            observe(value)

    def waiting(self, model: str) -> None:
        """Tell of a model without a version; its counters begin at 0, so that the first failure is an increase."""
        self._ready.labels(model).set(0)
        for outcome in ("loaded", "failed"):
            self._reloads.labels(model, outcome)

    def loaded(self, model: str, version: str, fast_path: str, instead_of: tuple[str, str] | None) -> None:
        """Tell of a version that answers from now on, and which version and path it takes the place of."""
        self._reloads.labels(model, "loaded").inc()
        if instead_of:
            self._info.remove(model, *instead_of)
        self._info.labels(model, version, fast_path).set(1)
        self._ready.labels(model).set(1)

    def failed(self, model: str) -> None:
        """Count a version that could not be loaded."""
        self._reloads.labels(model, "failed").inc()
