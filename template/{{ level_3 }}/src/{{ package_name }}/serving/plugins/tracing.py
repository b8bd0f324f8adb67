# Managed by copier-mlops: an update merges with your edits.
"""Makes an OpenTelemetry span for each prediction request, within the trace of a client that sends `traceparent`.

The request goes on with the span as its `traceparent` and, if the client names none, with an id: the prediction log has both.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...core.tracing import provider
from . import Plugin

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from ..handler import Inference


class Spans:
    """ASGI middleware: a span for each POST."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        headers, context = dict(scope["headers"]), TraceContextTextMapPropagator()
        parent = context.extract({"traceparent": headers.get(b"traceparent", b"").decode("latin-1")})
        request_id = headers.get(b"x-request-id") or uuid4().hex.encode()
        attributes = {"url.path": scope["path"], "prediction.request_id": request_id.decode("latin-1")}
        with self._tracer.start_as_current_span("predict", parent, SpanKind.SERVER, attributes) as span:
            carrier: dict[str, str] = {}
            context.inject(carrier)
            own = {b"x-request-id": request_id, b"traceparent": carrier["traceparent"].encode()}
            others = [header for header in scope["headers"] if header[0] not in own]

            async def observed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app({**scope, "headers": [*others, *own.items()]}, receive, observed)


class Tracing(Plugin):
    """Traces requests if a collector is configured, and sends the last spans when the server stops."""

    def __init__(self) -> None:
        self._provider = provider("model-server")

    def middleware(self) -> Sequence[Middleware]:
        """Return the middleware."""
        return [Middleware(Spans, tracer=self._provider.get_tracer(__name__))] if self._provider else []

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Wait for the end of the server."""
        yield
        if self._provider:
            await asyncio.to_thread(self._provider.shutdown)


def plugin() -> Plugin:
    """Return the plug-in that the server finds."""
    return Tracing()
