# Managed by copier-mlops: an update merges with your edits.
"""`POST /entities/predict`: the client sends keys of entities, and the server reads their features from the store."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import Counter, Gauge
from pydantic import BaseModel, PositiveFloat, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...core.errors import UserError
from ...core.settings import Settings
from ..handler import read_body
from ..online_features import Features, StoredRow, read
from ..rows import ROWS
from ..schema import RequestError
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference

log = logging.getLogger(__name__)
FRESH, STALE, UNKNOWN, DOWN = "fresh", "stale", "unknown", "unavailable"
PROBLEMS = {  # status and message by outcome
    UNKNOWN: (404, "the feature store has no {entity} {key}: send its features to /predict"),
    STALE: (503, "the features of {entity} {key} are too old: `poe features materialize` loads new ones"),
    DOWN: (503, "the feature store does not respond: send the features of {entity} {key} to /predict"),
}


class FeatureStoreSettings(Settings, env_prefix="FEATURE_STORE_"):
    """The schema of `config/feature_store.yaml`."""

    redis: str
    timeout_seconds: PositiveFloat
    check_seconds: PositiveFloat
    defaults: dict[str, Any] | None = None


class EntityRequest(BaseModel):
    """Rows that name an entity each, and maybe some columns, which are not read from the store then."""

    rows: list[dict[str, Any]]


class FeatureStore(Plugin):
    """Reads features, and counts and reports what is missing."""

    def __init__(self) -> None:
        self._settings = FeatureStoreSettings.load()
        try:
            self._features: Features | None = Features.read()
        except UserError as error:
            self._features = None
            log.warning("no prediction by entity: %s", error)
        timeout = self._settings.timeout_seconds
        self._client = Redis.from_url(
            self._settings.redis, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )

    def routes(self, inference: "Inference") -> Sequence[BaseRoute]:
        """Return the route."""

        async def predict(request: Request) -> Response:
            """Predict entities, whose features are read from the store, by the first model."""
            return await self._predict(request, inference)

        return [Route("/entities/predict", predict, methods=["POST"])]

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Watch the store while the server runs."""
        to: dict[str, Any] = {"registry": inference.metrics.registry}
        self._reads = Counter("feature_reads", "Entities whose features were read", ["outcome"], **to)
        for outcome in (FRESH, STALE, UNKNOWN, DOWN):
            self._reads.labels(outcome)
        self._up = Gauge("feature_store_up", "1 if the feature store responds", **to)
        self._loaded = Gauge("feature_store_loaded_timestamp_seconds", "When features were last loaded into it", **to)
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await self._client.aclose()

    async def _watch(self) -> None:
        while self._features:
            try:
                self._loaded.set(int(await self._client.get(f"{self._features.project}:materialized") or 0))
                self._up.set(1)
            except (RedisError, OSError):
                self._up.set(0)
            await asyncio.sleep(self._settings.check_seconds)

    async def _predict(self, request: Request, inference: "Inference") -> Response:
        started, name = time.perf_counter(), inference.models.names[0]
        try:
            model = inference.models.get(name)
            body = await read_body(request, dict(request.scope["headers"]), inference.settings.max_megabytes)
            rows, outcomes = await self._complete(body, [*model.inputs.columns], inference.settings.max_rows)
        except RequestError as error:
            inference.metrics.observe_request(name, "", "", error.status, time.perf_counter() - started)
            return inference.respond({"error": str(error)}, error.status)
        response = await inference.infer(request, name, ROWS, body=orjson.dumps({"rows": rows}))
        counts = ", ".join(f"{each}={outcomes.count(each)}" for each in sorted({*outcomes}))
        response.headers["X-Features"] = counts
        return response

    async def _complete(self, body: bytes, columns: list[str], most: int) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows with all columns of the model, and where those of each row came from.

        Raises:
            RequestError: the request is invalid, or features are missing and there are no defaults.
        """
        if (features := self._features) is None:
            raise RequestError(503, "no features are registered: the server's log has the reason")
        try:
            sent = EntityRequest.model_validate_json(body).rows
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise RequestError(422, f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}") from error
        if not 0 < len(sent) <= most:
            raise RequestError(422 if not sent else 413, f"{len(sent)} rows: there must be 1 to {most}")
        kind = int if features.whole else str
        for number, row in enumerate(sent):
            if type(row.get(features.entity)) is not kind:
                expected = "a whole number" if features.whole else "a text"
                raise RequestError(422, f"rows.{number}.{features.entity}: must be {expected}")
        keys = [row.pop(features.entity) for row in sent]
        stored = await self._read(features, keys)
        outcomes = [self._outcome(features, row) for row in stored]
        for outcome in outcomes:
            self._reads.labels(outcome).inc()
        defaults = self._settings.defaults
        for key, outcome in zip(keys, outcomes, strict=True):
            if outcome != FRESH and defaults is None:
                status, message = PROBLEMS[outcome]
                raise RequestError(status, message.format(entity=features.entity, key=key))
        found = [
            row.values if row and outcome == FRESH else defaults for row, outcome in zip(stored, outcomes, strict=True)
        ]
        rows = [
            {name: value for name, value in (values or {}).items() if name in columns} | row
            for values, row in zip(found, sent, strict=True)
        ]
        return rows, outcomes

    async def _read(self, features: Features, keys: list[Any]) -> Sequence[StoredRow | None]:
        with suppress(RedisError, OSError):
            return await read(self._client, features, keys)
        return [None] * len(keys)

    @staticmethod
    def _outcome(features: Features, row: StoredRow | None) -> str:
        if row is None:
            return DOWN
        if row.time is None:
            return UNKNOWN
        return FRESH if time.time() - row.time <= features.max_age_seconds else STALE


def plugin() -> Plugin:
    """Return the plug-in."""
    return FeatureStore()
