# Managed by copier-mlops: an update merges with your edits.
"""Server plug-ins: each module here has a function `plugin() -> Plugin`; the server calls it once, when it starts."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from ...core.discovery import modules
from ..schema import Columns

if TYPE_CHECKING:
    from ..handler import Inference


@dataclass(frozen=True)
class RequestContext:
    """A request for which a version is to be chosen."""

    model: str
    entity: str | None  # the header X-Entity-ID, else `parameters.entity_id` of the Open Inference Protocol
    versions: Mapping[str, str]  # loaded version by alias; the first is the default
    columns: Callable[[], Columns] = field(default=dict, compare=False)  # its values; raises what the default would


class Choice(NamedTuple):
    """A version that predicts."""

    version: str  # or alias
    propensity: float | None = None  # with which probability a random choice fell on it: who learns from it needs that


@dataclass(frozen=True)
class Prediction:
    """One answered request: what was predicted, from what, and by which version."""

    time: float  # seconds since 1970, UTC
    model: str
    version: str
    variant: str  # the alias by which the version was found
    entity: str | None
    columns: Columns
    output: np.ndarray  # probabilities, shape (rows, classes), or numbers, shape (rows,)
    request_id: str | None = None  # the header X-Request-ID
    traceparent: str | None = None  # the header of W3C Trace Context: trace and span
    propensity: float | None = None  # of a version that was chosen at random


class Plugin:
    """An extension of the server. Override what it needs; all the rest stays as it is.

    An A/B test in `serving/plugins/ab_test.py`, with `aliases: [champion, challenger]` in `config/serving.yaml`:

        class AbTest(Plugin):
            def choose(self, context: RequestContext) -> str | None:
                if context.entity is None or "challenger" not in context.versions:
                    return None
                return "challenger" if crc32(context.entity.encode()) % 2 else "champion"

            def observe(self, predictions: Sequence[Prediction]) -> None:
                write_exposures([(one.time, one.entity, one.variant) for one in predictions])


        def plugin() -> Plugin:
            return AbTest()
    """

    def routes(self, inference: "Inference") -> Sequence[BaseRoute]:
        """Return routes to add; `inference.infer` predicts from a request, or from another body in its place."""
        return ()

    def middleware(self) -> Sequence[Middleware]:
        """Return ASGI middleware, the outermost first."""
        return ()

    def aliases(self) -> Sequence[str]:
        """Return aliases to load besides those of the settings, as `ALIAS` or `MODEL@ALIAS`; none is ever the default."""
        return ()

    def download(self, model: str, version: str, folder: Path) -> Path | None:
        """Download a version and return where it is, or None to leave it to the next plug-in, or the registry.

        The folder is empty, and deleted when the version is loaded. An exception refuses the version: what was served
        before goes on being served.
        """
        return None

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncGenerator[None]:
        """Start what the plug-in needs, yield while the server runs, then stop it. A failed start stops the server."""
        yield

    def choose(self, context: RequestContext) -> str | Choice | None:
        """Return the alias or version that predicts, or None to leave the choice to the next plug-in, or the default.

        It runs on the event loop, so it must not wait for anything. It is not called if the request names a version.
        """
        return None

    def observe(self, predictions: Sequence[Prediction]) -> None:
        """Process predictions, about once a second, in a thread: the responses have been sent by then."""


def discover() -> list[Plugin]:
    """Return the plug-ins of all modules in this folder, in the order of their names."""
    return [module.plugin() for module in modules(__name__)]
