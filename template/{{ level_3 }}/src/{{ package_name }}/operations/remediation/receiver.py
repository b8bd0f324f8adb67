# Managed by copier-mlops: an update merges with your edits.
"""Receives Alertmanager's webhook and shows what was decided: `/alerts`, `/`, `/metrics` and `/healthz`."""

import logging
import os
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hmac import compare_digest
from threading import Thread
from typing import Annotated, Literal

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from ...core.errors import UserError
from ...reporting.html import environment
from .decision import Alert
from .settings import Remediation
from .worker import Worker

MAX_BYTES = 1_000_000  # of a webhook
STALE_SECONDS = 60  # after which a worker that has not looked for decisions is stuck
DECISIONS = Gauge("remediation_decisions", "Decisions by state", ["action", "state"])
SEEN = Gauge("remediation_worker_timestamp_seconds", "Last look for decisions")
STATES = ("dry run", "waiting", "verified", "undone", "escalated")  # that a rule of Prometheus finds as 0, too


class Message(BaseModel):
    """The body of a request of Alertmanager's webhook."""

    version: Literal["4"]
    alerts: Annotated[list[Alert], Field(max_length=1_000)]


def token(policy: Remediation) -> str:
    """Return the token that clients must send; a file is read again each time, so that it can be replaced."""
    if policy.token_file:
        return policy.token_file.read_text(encoding="utf-8").strip()
    return os.environ.get("REMEDIATION_TOKEN", "")


def create_app(policy: Remediation, worker: Worker) -> Starlette:
    """Return the service; its worker runs as long as it does."""

    def authorize(request: Request) -> None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":  # of a browser: the token is the password
            with suppress(ValueError):  # not Base64, so not the token
                sent = b64decode(sent).decode().partition(":")[2]
        expected = token(policy)
        if not (expected and compare_digest(sent.encode(), expected.encode())):
            raise HTTPException(401, "the token is wrong or missing\n", {"WWW-Authenticate": "Basic"})

    async def alerts(request: Request) -> Response:
        authorize(request)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise HTTPException(413, f"more than {MAX_BYTES} bytes\n", {"connection": "close"})
        try:
            message = Message.model_validate_json(bytes(body))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problem = f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
            return PlainTextResponse(f"this is no message of Alertmanager's webhook: {problem}\n", 400)
        new = await run_in_threadpool(worker.store.receive, policy, message.alerts, time.time())
        return PlainTextResponse(f"{new} new\n")

    def page(request: Request) -> Response:
        authorize(request)
        shown = {"policy": policy, "remedies": worker.store.newest(), "stopped": policy.stop_file.exists()}
        return HTMLResponse(environment().get_template("remediation.html.j2").render(shown))

    def metrics(request: Request) -> Response:
        none = {(rule.action, state): 0 for rule in policy.rules for state in STATES}
        for labels, number in (none | worker.store.counts()).items():
            DECISIONS.labels(*labels).set(number)
        SEEN.set(worker.seen)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def healthz(request: Request) -> Response:
        late = time.time() - worker.seen > STALE_SECONDS
        return PlainTextResponse("the worker is stuck\n" if late else "ok\n", 503 if late else 200)

    def unusable(request: Request, error: Exception) -> Response:
        logging.getLogger(__name__).error(error)
        return PlainTextResponse(f"{error}\n", 503)  # so Alertmanager sends it again

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        Thread(target=worker.run, daemon=True).start()
        yield
        worker.stopped.set()

    routes = [Route("/", page), Route("/metrics", metrics), Route("/healthz", healthz)]
    routes.append(Route("/alerts", alerts, methods=["POST"]))
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={UserError: unusable})
    app.state.worker = worker
    return app
