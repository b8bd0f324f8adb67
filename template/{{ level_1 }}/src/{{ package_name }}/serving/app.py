# Managed by copier-mlops: an update merges with your edits.
"""The ASGI application: routes, middleware, and the tasks that run as long as it does."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from . import open_inference, rows
from .handler import Inference
from .openapi import OPEN_INFERENCE, PAGE, ROW_API, openapi
from .schema import RequestError


def create_app(inference: Inference) -> Starlette:
    """Return the application, extended by the plug-ins."""
    plugins = inference.hooks.plugins
    documented: dict[str, Sequence[BaseRoute]] = {
        ROW_API: rows.routes(inference),
        OPEN_INFERENCE: open_inference.routes(inference),
        "Plug-ins": [route for plugin in plugins for route in plugin.routes(inference)],
    }

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(inference.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def document(_: Request) -> Response:
        return inference.respond(openapi(documented, inference.models))

    async def docs(_: Request) -> Response:
        return HTMLResponse(PAGE)

    async def home(_: Request) -> Response:
        return RedirectResponse("docs")  # relative, so that a proxy may add a prefix

    async def request_error(_: Request, error: Any) -> Response:
        return inference.respond({"error": str(error)}, error.status)

    async def http_error(_: Request, error: Any) -> Response:
        response = inference.respond({"error": error.detail}, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def server_error(_: Request, error: Any) -> Response:
        return inference.respond({"error": "the server failed; its log has the reason"}, 500)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for plugin in plugins:
                await stack.enter_async_context(plugin.lifespan(inference))
            jobs = inference.models.watch(inference.settings.reload_seconds), inference.hooks.deliver_forever()
            tasks = [asyncio.create_task(job) for job in jobs]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    app = Starlette(
        routes=[
            *(route for group in documented.values() for route in group),
            Route("/metrics", metrics),
            Route("/openapi.json", document),
            Route("/docs", docs),
            Route("/", home),
            # Swagger UI is shipped by this package, which is not imported.
            Mount("/docs-assets", StaticFiles(packages=[("fastapi_offline", "static")])),
        ],
        middleware=[middleware for plugin in plugins for middleware in plugin.middleware()],
        exception_handlers={RequestError: request_error, HTTPException: http_error, Exception: server_error},
        lifespan=lifespan,
    )
    app.state.inference = inference
    return app
