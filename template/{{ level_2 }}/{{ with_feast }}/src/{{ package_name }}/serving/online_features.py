# Managed by copier-mlops: an update merges with your edits.
"""Reads the features that Feast has written to Redis, without Feast, which would add 300 MB to the image.

Each entity is a hash. Its key is Feast's serialized entity key, version 3, and the name of the project; a field is a hash
of view and feature, its value a message `feast.types.Value` of protobuf, of which only one field is set.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import mmh3
from pydantic import BaseModel, PositiveFloat
from redis.asyncio import Redis

from ..core.errors import UserError
from ..core.io import read_json
from ..core.settings import Settings

PATH = Path("config/features.json")
STRING, INT64, BOOL = 2, 4, 7  # numbers of the fields of `feast.types.Value`
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how protobuf encodes a value


class FeatureStoreSettings(Settings, env_prefix="FEATURE_STORE_"):
    """The schema of `config/feature_store.yaml`."""

    redis: str
    registry: str
    timeout_seconds: PositiveFloat
    check_seconds: PositiveFloat
    defaults: dict[str, Any] | None = None


class Features(BaseModel, frozen=True):
    """What `poe features apply` has registered."""

    project: str
    entity: str
    whole: bool  # whether keys are whole numbers, else text
    view: str
    max_age_seconds: float
    features: list[str]

    @property
    def loaded_key(self) -> str:
        """The key in Redis of when features were last loaded, in seconds since 1970."""
        return f"{self.project}:materialized"

    @classmethod
    def read(cls) -> "Features":
        """Return the content of `config/features.json`.

        Raises:
            UserError: it is missing.
        """
        if not PATH.exists():
            raise UserError(f"{PATH} is missing: `uv run poe features apply` makes it")
        return cls(**read_json(PATH))


@dataclass(frozen=True)
class StoredRow:
    """The features of one entity."""

    values: dict[str, Any]
    time: float | None  # when they were known, in seconds since 1970; None if the store does not have the entity


async def read(client: Redis, features: Features, keys: Sequence[Any]) -> list[StoredRow]:
    """Return the features of entities, by one request.

    Raises:
        RedisError: the store does not respond in time.
    """
    fields = [mmh3.hash(f"{features.view}:{name}").to_bytes(4, "little", signed=True) for name in features.features]
    async with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hmget(entity_key(features, key), [f"_ts:{features.view}".encode(), *fields])
        rows = await pipeline.execute()
    return [
        StoredRow(dict(zip(features.features, map(decode, values), strict=True)), _varint(time, 1)[0] if time else None)
        for time, *values in rows
    ]


def entity_key(features: Features, key: Any) -> bytes:
    """Return the key of an entity in Redis."""
    kind, value = (INT64, struct.pack("<q", key)) if features.whole else (STRING, str(key).encode())
    name = features.entity.encode()
    parts = [struct.pack("<III", 1, STRING, len(name)), name, struct.pack("<II", kind, len(value)), value]
    return b"".join(parts) + features.project.encode()


def decode(message: bytes | None) -> Any:
    """Return the value of a message, None if it has none or is not a number."""
    if not message:
        return None
    tag, start = _varint(message, 0)
    kind, encoding = tag >> 3, tag & 7
    if encoding == VARINT:
        number, _ = _varint(message, start)
        return bool(number) if kind == BOOL else number - (number >> 63 << 64)
    if encoding in (EIGHT_BYTES, FOUR_BYTES):
        (real,) = struct.unpack_from("<d" if encoding == EIGHT_BYTES else "<f", message, start)
        return real if isfinite(real) else None
    length, start = _varint(message, start)
    return message[start : start + length].decode() if kind == STRING else None


def _varint(message: bytes, start: int) -> tuple[int, int]:
    """Return a number in protobuf's variable length, and where it ends."""
    number = shift = 0
    while True:
        byte = message[start]
        number, shift, start = number | (byte & 127) << shift, shift + 7, start + 1
        if byte < 128:
            return number, start
