# Managed by copier-mlops: an update merges with your edits.
"""Serves the treatment of a running A/B test to its share of the entities. `poe experiment` starts and stops tests.

The state is in the registry, so servers follow within `reload_seconds`. A server whose default version is not the control,
such as one in staging or of a canary, does not take part.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from prometheus_client import Counter

from ...core.experiment import ALIAS, TAG, Running, in_treatment
from ...registry.client import connected, registered
from . import Plugin, RequestContext

if TYPE_CHECKING:
    from ..handler import Inference

log = logging.getLogger(__name__)


class Experiment(Plugin):
    """Chooses between the default version and the treatment."""

    def __init__(self) -> None:
        self.running: dict[str, Running] = {}  # by model
        self._problem = ""
        labels = ["model", "arm"]
        self._counter = Counter("experiment_requests", "Requests during an A/B test, by arm", labels, registry=None)
        self._count = cache(self._counter.labels)

    def aliases(self) -> Sequence[str]:
        """Return the alias of the treatment."""
        return [ALIAS]

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Follow the registry."""
        inference.metrics.registry.register(self._counter)
        following = asyncio.create_task(self._follow(inference.models.names, inference.settings.reload_seconds))
        yield
        following.cancel()

    def choose(self, context: RequestContext) -> str | None:
        """Return the alias of the treatment if the entity is in it; a request without an entity gets the control."""
        if (running := self.running.get(context.model)) is None:
            return None
        default = next(iter(context.versions.values()), None)
        if (default, context.versions.get(ALIAS)) != (running.control, running.treatment):
            return None
        treated = context.entity is not None and in_treatment(running.name, context.entity, running.share)
        arm = "no entity" if context.entity is None else ALIAS if treated else "control"
        self._count(context.model, arm).inc()
        return ALIAS if treated else None

    async def _follow(self, models: Sequence[str], seconds: float) -> None:
        while True:
            await asyncio.to_thread(self.refresh, models)
            await asyncio.sleep(seconds)

    def refresh(self, models: Sequence[str]) -> None:
        """Read which tests are running; if that fails, those known before go on."""
        try:
            with connected():
                tags = {name: getattr(registered(MlflowClient(), name), "tags", {}).get(TAG) for name in models}
            found = {name: Running.model_validate_json(tag) for name, tag in tags.items() if tag}
            self.running = {name: one for name, one in found.items() if one.stopped is None}
            problem = ""
        except Exception as error:  # noqa: BLE001 - whatever the registry raises must not end the task
            problem = " ".join(str(error).split())[:300]
        if problem and problem != self._problem:
            log.warning("the running A/B test cannot be read: %s", problem)
        self._problem = problem


def plugin() -> Plugin:
    """Return the plug-in."""
    return Experiment()
