# Managed by copier-mlops: an update merges with your edits.
"""The application: all routes, and the task that looks for newer versions of the models."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import people, protocol
from .documentation import openapi
from .inference import Inference


def create_app(inference: Inference) -> FastAPI:
    """Return the application; it looks for newer versions as long as it runs."""
    models = inference.models

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(models.watch(inference.settings.reload_seconds))
        yield
        watching.cancel()

    routes = [*people.router(inference).routes, *protocol.router(inference).routes]  # included, they would be slower
    app = FastAPIOffline(
        title=", ".join(models.names),
        lifespan=lifespan,
        redoc_url=None,
        routes=routes,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # looking for it takes time at each request
    )
    app.state.inference = inference
    app.openapi = partial(openapi, app, models)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(inference.instruments.registry), media_type=CONTENT_TYPE_LATEST)

    return app
