# Managed by copier-mlops: an update merges with your edits.
"""Exports prices and budget of `config/cost.yaml` for dashboard and alerts, and what training a served version cost."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from prometheus_client import CollectorRegistry, Gauge

from ...core.cost import THOUSAND_PREDICTIONS, Prices
from ...registry.client import connected, find
from . import Plugin, Prediction

if TYPE_CHECKING:
    from ..handler import Inference


class Cost(Plugin):
    """Adds gauges: constants, and one for each version as soon as it predicts."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()  # versions

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Set those that are constant."""
        prices, registry = Prices.load(), inference.metrics.registry
        self._training = Gauge(
            "cost_training_run", "What training a version cost", ["model", "version", "currency"], registry=registry
        )
        self._currency = prices.currency
        export("cost_vcpu_second", "Price of a second of one CPU", prices.vcpu_hour / 3600, prices, registry)
        export(
            "cost_server_second", "Price of what a server reserves", prices.per_second(prices.server), prices, registry
        )
        if limit := prices.budget.get(f"max_{THOUSAND_PREDICTIONS}"):
            export("cost_budget", "Limit for a thousand predictions", limit, prices, registry)
        yield

    def observe(self, predictions: Sequence[Prediction]) -> None:
        """Export what training cost, as its run in MLflow recorded it."""
        for model, version in {(one.model, one.version) for one in predictions} - self._known:
            with connected():
                client = MlflowClient()
                metrics = client.get_run(str(find(client, model, version).run_id)).data.metrics
            if "cost_charged" in metrics:
                self._training.labels(model, version, self._currency).set(metrics["cost_charged"])
            self._known.add((model, version))


def export(name: str, help: str, value: float, prices: Prices, registry: CollectorRegistry) -> None:
    """Add a gauge whose value is in the currency of the prices."""
    Gauge(name, help, ["currency"], registry=registry).labels(prices.currency).set(value)


def plugin() -> Plugin:
    """Return the plug-in."""
    return Cost()
