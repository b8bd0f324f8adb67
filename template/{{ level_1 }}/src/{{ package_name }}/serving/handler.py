# Managed by copier-mlops: an update merges with your edits.
"""Handles inference requests in any API format: parse, choose the version, predict, serialize, count."""

import logging
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..registry.client import aliases_of
from .batching import MicroBatcher
from .hooks import Hooks
from .loader import LoadedModel, Models
from .plugins import Prediction, RequestContext, discover
from .prometheus import Metrics
from .schema import Columns, RequestError
from .settings import Serving

log = logging.getLogger(__name__)
Headers = Mapping[bytes, bytes]  # of a request, as ASGI has them: names in lower case
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
MAX_REQUEST_ID = 128  # characters; clients may send any
MAX_ENTITY = 1_000  # characters: each row of a prediction log has the entity


@dataclass(frozen=True)
class ApiFormat:
    """Parser and serializer of one API format. The parser raises a `RequestError`."""

    decode: Callable[[bytes, Headers], Any]  # (body, headers) -> content
    columns: Callable[[Any, LoadedModel, int], Columns]  # (content, model, max_rows) -> columns
    encode: Callable[[Any, LoadedModel, np.ndarray, str | None], dict[str, Any]]  # the variant is None if there is one
    entity: Callable[[Any], str | None] = lambda _: None  # content -> entity key


@dataclass(frozen=True)
class Inference:
    """What all routes share."""

    settings: Serving
    models: Models
    metrics: Metrics
    hooks: Hooks
    batcher: MicroBatcher = field(default_factory=MicroBatcher)

    @classmethod
    def create(cls, settings: Serving) -> Self:
        """Return what the server needs for these settings, with all plug-ins."""
        metrics, plugins = Metrics(settings.prediction_buckets), discover()
        more = [alias for plugin in plugins for alias in plugin.aliases()]
        aliases = {name: [*dict.fromkeys(aliases_of(name, [*settings.aliases, *more]))] for name in settings.models}
        models = Models(aliases, metrics, [plugin.download for plugin in plugins])
        return cls(settings, models, metrics, Hooks(plugins, metrics))

    def respond(self, content: Any, code: int = 200) -> Response:
        """Return content as JSON; while the server drains, the response closes its connection too."""
        headers = {"connection": "close"} if self.models.draining else None
        body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, code, headers, "application/json")

    async def infer(
        self, request: Request, name: str, format: ApiFormat, version: str | None = None, body: bytes | None = None
    ) -> Response:
        """Return the predictions for a request, or one line with the reason why there are none.

        Without the number or alias of a version, plug-ins may choose it. A body is parsed in place of the request's own.
        """
        started, model, code = time.perf_counter(), None, 200
        try:
            model = self.models.get(name, version)
            headers = dict(request.scope["headers"])
            if body is None:
                body = await read_body(request, headers, self.settings.max_megabytes)
            content, entity, propensity = format.decode(body, headers), None, None

            def read(by: LoadedModel) -> Columns:
                return format.columns(content, by, self.settings.max_rows)

            if self.hooks.choosers or self.hooks.observers:
                entity = header(headers, b"x-entity-id") or format.entity(content)
                if entity and len(entity) > MAX_ENTITY:
                    raise RequestError(422, f"the key of the entity is longer than {MAX_ENTITY} characters")
            if self.hooks.choosers and version is None:
                model, propensity = self._choose(model, entity, partial(read, model))
            columns = read(model)
            output = await self.batcher.predict(model.predictor, columns)
            several = len(self.models.aliases[name]) > 1
            result = format.encode(content, model, output, model.variant if several else None)
            self.metrics.observe_predictions(name, model.version, model.variant, monitored_values(output))
            if self.hooks.observers:
                served = name, model.version, model.variant, entity, columns, output
                origin = request_id(headers), traceparent(headers), propensity
                self.hooks.record(Prediction(time.time(), *served, *origin), len(body))
        except RequestError as error:
            code, result = error.status, {"error": str(error)}
        except ClientDisconnect:
            code, result = 499, {}  # the client has closed the connection
        except Exception:
            log.exception("%s failed", name)
            code, result = 500, {"error": f"{name} failed on this input; the server's log has the reason"}
        known = name if name in self.models.names else ""  # clients must not be able to create labels
        labels = (model.version, model.variant) if model else ("", "")
        self.metrics.observe_request(known, *labels, code, time.perf_counter() - started)
        return self.respond(result, code)

    def _choose(
        self, default: LoadedModel, entity: str | None, columns: Callable[[], Columns]
    ) -> tuple[LoadedModel, float | None]:
        loaded = self.models.loaded(default.name)
        versions = {alias: model.version for alias, model in loaded.items()}
        choice = self.hooks.choose(RequestContext(default.name, entity, versions, columns))
        if choice is None:
            return default, None
        known = (model for model in loaded.values() if choice.version in (model.variant, model.version))
        return next(known, default), choice.propensity


def request_id(headers: Headers) -> str | None:
    """Return the header X-Request-ID, by which proxies name a request, or None without it."""
    return (header(headers, b"x-request-id") or "")[:MAX_REQUEST_ID] or None


def traceparent(headers: Headers) -> str | None:
    """Return the header traceparent, or None if it is missing or malformed."""
    found = TRACEPARENT.fullmatch(headers.get(b"traceparent", b""))
    return found[0].decode() if found else None


def header(headers: Headers, name: bytes) -> str | None:
    """Return a header, in UTF-8 as clients of today write it, or else in Latin-1 as HTTP once defined it."""
    value = headers.get(name, b"")
    try:
        return value.decode() or None
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def read_body(request: Request, headers: Headers, max_megabytes: float) -> bytes:
    """Return the body of a request, decompressed.

    Raises:
        RequestError: it is longer than allowed, and the rest is not read; or its compression is not supported.
        ClientDisconnect: the client has closed the connection.
    """
    body, limit = bytearray(), int(max_megabytes * 1_000_000)
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            break
    found = decompress(body, encoding, limit) if encoding != "identity" else bytes(body)
    if len(found) > limit:
        raise RequestError(413, f"the body is longer than the {max_megabytes:g} MB that config/serving.yaml allows")
    return found


def decompress(body: bytes | bytearray, encoding: str, limit: int) -> bytes:
    """Return a decompressed body, or its first `limit + 1` bytes if it is longer.

    Raises:
        RequestError: it is not compressed by gzip or deflate.
    """
    if encoding not in ("gzip", "deflate"):
        raise RequestError(415, f"content-encoding {encoding} is not supported; gzip, deflate and identity are")
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestError(400, f"body: it is not compressed as content-encoding {encoding} says: {error}") from error


def monitored_values(output: np.ndarray) -> list[float]:
    """Return for each row the number that is monitored."""
    if output.ndim == 1:
        return output.tolist()
    return (output[:, 1] if output.shape[1] == 2 else output.max(axis=1)).tolist()
