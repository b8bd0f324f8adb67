# Managed by copier-mlops: an update merges with your edits.
"""Exports prices and budget of `config/cost.yaml`, so that dashboard and alerts can multiply what a server counts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from ...core.cost import THOUSAND_PREDICTIONS, Prices
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference


class Cost(Plugin):
    """Adds three gauges, which are constant while the server runs."""

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Set them."""
        prices, registry = Prices.load(), inference.metrics.registry
        cpu = Gauge("cost_vcpu_second", "Price of a second of one CPU", ["currency"], registry=registry)
        cpu.labels(prices.currency).set(prices.vcpu_hour / 3600)
        server = Gauge("cost_server_second", "Price of what a server reserves", ["currency"], registry=registry)
        server.labels(prices.currency).set(prices.per_second(prices.server))
        if limit := prices.budget.get(f"max_{THOUSAND_PREDICTIONS}"):
            budget = Gauge("cost_budget", "Limit for a thousand predictions", ["currency"], registry=registry)
            budget.labels(prices.currency).set(limit)
        yield


def plugin() -> Plugin:
    """Return the plug-in."""
    return Cost()
