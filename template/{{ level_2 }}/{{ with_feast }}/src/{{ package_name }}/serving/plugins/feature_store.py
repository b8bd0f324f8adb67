# Managed by copier-mlops: an update merges with your edits.
"""`POST /entities/predict`: the client sends keys of entities, and the server reads their features from the store."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import prometheus_client
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ...core.errors import UserError
from ..handler import read_body
from ..online_features import Features, FeatureStoreSettings, StoredRow, read
from ..rows import ROWS
from ..schema import RequestError
from . import Plugin

if TYPE_CHECKING:
    from ..handler import Inference

log = logging.getLogger(__name__)
FRESH, STALE, UNKNOWN, DOWN = OUTCOMES = "fresh", "stale", "unknown", "unavailable"
PROBLEMS = {  # status and message by outcome
    UNKNOWN: (404, "the feature store has no {entity} {key}: send its features to /predict"),
    STALE: (503, "the features of {entity} {key} are too old: `poe features materialize` loads new ones"),
    DOWN: (503, "the feature store does not respond: send the features of {entity} {key} to /predict"),
}
Row = dict[str, Any]


class EntityRequest(BaseModel):
    """Rows that name an entity each, and maybe some columns, which are not read from the store then."""

    rows: list[Row]


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
        gauge = prometheus_client.Gauge
        self._reads = prometheus_client.Counter("feature_reads", "Entities whose features were read", ["outcome"], **to)
        for outcome in OUTCOMES:
            self._reads.labels(outcome)
        self._up = gauge("feature_store_up", "1 if the feature store responds", **to)
        self._loaded = gauge("feature_store_loaded_timestamp_seconds", "When features were last loaded into it", **to)
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await self._client.aclose()

    async def _watch(self) -> None:
        while self._features:
            try:
                self._loaded.set(int(await self._client.get(self._features.loaded_key) or 0))
                self._up.set(1)
            except (RedisError, OSError):
                self._up.set(0)
            await asyncio.sleep(self._settings.check_seconds)

    async def _predict(self, request: Request, inference: "Inference") -> Response:
        started, name = time.perf_counter(), inference.models.names[0]
        try:
            if self._features is None:
                raise RequestError(503, "no features are registered: the server's log has the reason")
            columns = {*inference.models.get(name).inputs.columns}
            body = await read_body(request, dict(request.scope["headers"]), inference.settings.max_megabytes)
            rows = parse(body, self._features, inference.settings.max_rows)
            keys = [row.pop(self._features.entity) for row in rows]
            outcomes = await self._complete(rows, keys, columns, self._features)
        except RequestError as error:
            inference.metrics.observe_request(name, "", "", error.status, time.perf_counter() - started)
            return inference.respond({"error": str(error)}, error.status)
        format = replace(ROWS, entity=lambda _: str(keys[0]) if len(keys) == 1 else None)
        response = await inference.infer(request, name, format, body=json.dumps({"rows": rows}).encode())
        response.headers["X-Features"] = ", ".join(f"{each}={n}" for each, n in sorted(Counter(outcomes).items()))
        return response

    async def _complete(self, rows: list[Row], keys: list[Any], columns: set[str], features: Features) -> list[str]:
        """Add to each row the columns that it lacks, and return where those of each row came from.

        Raises:
            RequestError: features are missing and there are no defaults.
        """
        stored: Sequence[StoredRow | None] = [None] * len(keys)
        with suppress(RedisError, OSError):
            stored = await read(self._client, features, keys)
        outcomes = [outcome_of(row, features.max_age_seconds) for row in stored]
        for outcome, count in Counter(outcomes).items():
            self._reads.labels(outcome).inc(count)
        for row, key, found, outcome in zip(rows, keys, stored, outcomes, strict=True):
            values = found.values if found and outcome == FRESH else self._settings.defaults
            if values is None:
                status, message = PROBLEMS[outcome]
                raise RequestError(status, message.format(entity=features.entity, key=key))
            row |= {name: value for name, value in values.items() if name in columns and name not in row}
        return outcomes


def parse(body: bytes, features: Features, most: int) -> list[Row]:
    """Return the rows of a request.

    Raises:
        RequestError: there are none or too many, or one has no key of the right type.
    """
    try:
        rows = EntityRequest.model_validate_json(body).rows
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise RequestError(422, f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}") from error
    if not 0 < len(rows) <= most:
        raise RequestError(413 if rows else 422, f"{len(rows)} rows: there must be 1 to {most}")
    expected, description = (int, "a whole number") if features.whole else (str, "a text")
    for number, row in enumerate(rows):
        key = row.get(features.entity)
        if type(key) is not expected or (features.whole and not -(2**63) <= int(key) < 2**63):
            raise RequestError(422, f"rows.{number}.{features.entity}: must be {description}")
    return rows


def outcome_of(row: StoredRow | None, max_age_seconds: float) -> str:
    """Return whether a row of the store can be used, or why not."""
    if row is None:
        return DOWN
    if row.time is None:
        return UNKNOWN
    return FRESH if time.time() - row.time <= max_age_seconds else STALE


def plugin() -> Plugin:
    """Return the plug-in."""
    return FeatureStore()
