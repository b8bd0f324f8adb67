# Managed by copier-mlops: an update merges with your edits.
"""Divides requests among the versions of a running bandit. `poe bandit` starts it, learns and stops.

The state is a tag in the registry, so servers follow within `reload_seconds`. A server that lacks one of the versions, or
whose default is not the champion of the start, such as one of a canary, does not take part.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ...core.bandit import ALIASES, TAG, decider
from ..schema import RequestError
from . import Choice, Plugin, RequestContext

if TYPE_CHECKING:
    from ..handler import Inference


class Bandit(Plugin):
    """Chooses among the versions of a bandit."""

    def __init__(self) -> None:
        self.tags: Mapping[str, Mapping[str, str]] = {}  # of each model; the server updates them

    def aliases(self) -> Sequence[str]:
        """Return the aliases of the versions."""
        return ALIASES

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Follow the registry."""
        self.tags = inference.models.tags
        yield

    def choose(self, context: RequestContext) -> Choice | None:
        """Return a version and its probability; a request without an entity gets the default, as no reward can follow."""
        tag = self.tags.get(context.model, {}).get(TAG)
        if context.entity is None or tag is None or (found := decider(tag)) is None:
            return None
        running, features = found.running, None
        loaded = [next(iter(context.versions.values()), None), *map(context.versions.get, ALIASES)]
        wanted = zip(loaded, running.versions, strict=False)
        if any(here != version for here, version in wanted if version not in running.removed):
            return None
        if running.features:
            try:
                columns = context.columns()
            except RequestError:
                return None  # the default reports it
            features = running.contexts({name: columns[name][:1] for name in running.features})[0]
        probabilities = found.probabilities(features)
        place = found.draw(context.entity, probabilities)
        return Choice([running.versions[0], *ALIASES][place], float(probabilities[place]))


def plugin() -> Plugin:
    """Return the plug-in."""
    return Bandit()
