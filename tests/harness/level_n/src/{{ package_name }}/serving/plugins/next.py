# Managed by copier-mlops: an update merges with your edits.
"""A plug-in that uses every hook of the server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import cachetools
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...core.settings import Settings
from ..handler import Inference
from . import Plugin, Prediction, RequestContext


class Next(Settings, env_prefix="NEXT_"):
    """The schema of `config/next.yaml`."""

    header: str
    greeting: str


class Header:
    """Adds a header to each response."""

    def __init__(self, app: ASGIApp, name: str, value: str) -> None:
        self.app, self.header = app, (name.encode(), value.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], self.header]
            await send(message)

        await self.app(scope, receive, with_header)


class NextPlugin(Plugin):
    """Records what happens, and serves it."""

    def __init__(self, settings: Next) -> None:
        self.settings = settings
        self.started = False
        self.seen: cachetools.LRUCache[int, dict[str, Any]] = cachetools.LRUCache(maxsize=100)

    def routes(self, inference: Inference) -> Sequence[BaseRoute]:
        """Return a route that lists the observed predictions."""

        async def seen(_: Request) -> JSONResponse:
            return JSONResponse({"started": self.started, "seen": list(self.seen.values())})

        return [Route("/next", seen)]

    def middleware(self) -> Sequence[Middleware]:
        """Return the middleware that adds the header."""
        return [Middleware(Header, name=self.settings.header, value=self.settings.greeting)]

    @asynccontextmanager
    async def lifespan(self, inference: Inference) -> AsyncIterator[None]:
        """Record that the server runs."""
        self.started = True
        yield

    def choose(self, context: RequestContext) -> str | None:
        """Send entities whose name starts with c to the challenger."""
        return "challenger" if (context.entity or "").startswith("c") else None

    def observe(self, predictions: Sequence[Prediction]) -> None:
        """Keep what was predicted for whom, and by which variant."""
        for one in predictions:
            self.seen[len(self.seen)] = {"entity": one.entity, "variant": one.variant, "version": one.version}


def plugin() -> Plugin:
    """Return the plug-in."""
    return NextPlugin(Next.load())
