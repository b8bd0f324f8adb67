# Managed by copier-mlops: an update merges with your edits.
"""Serves the treatment of a running A/B test to its share of the entities. `poe experiment` starts and stops tests.

The state is a tag in the registry, so servers follow within `reload_seconds`. A server whose default version is not the
control, such as one in staging or of a canary, does not take part.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import Counter

from ...core.experiment import ALIAS, TAG, Running, in_treatment
from . import Choice, Plugin, RequestContext

if TYPE_CHECKING:
    from ..handler import Inference


@cache
def running(tag: str) -> Running | None:
    """Return the test that a tag holds, or None if it has been stopped."""
    found = Running.model_validate_json(tag)
    return found if found.stopped is None else None


class Experiment(Plugin):
    """Chooses between the default version and the treatment."""

    def __init__(self) -> None:
        self.tags: Mapping[str, Mapping[str, str]] = {}  # of each model; the server updates them
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
        self.tags = inference.models.tags
        yield

    def choose(self, context: RequestContext) -> Choice | None:
        """Return the arm of the entity; a request without an entity gets the default, which is the control."""
        tag = self.tags.get(context.model, {}).get(TAG)
        if tag is None or (test := running(tag)) is None:
            return None
        default = next(iter(context.versions.values()), None)
        if (default, context.versions.get(ALIAS)) != (test.control, test.treatment):
            return None
        treated = context.entity is not None and in_treatment(test.name, context.entity, test.share)
        arm = "no entity" if context.entity is None else ALIAS if treated else "control"
        self._count(context.model, arm).inc()
        if context.entity is None:
            return None
        return Choice(ALIAS, test.share) if treated else Choice(test.control, 1 - test.share)


def plugin() -> Plugin:
    """Return the plug-in."""
    return Experiment()
