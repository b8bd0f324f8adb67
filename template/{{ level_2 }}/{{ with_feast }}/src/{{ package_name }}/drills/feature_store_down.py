# Managed by copier-mlops: an update merges with your edits.
"""The feature store hangs: the server predicts from defaults, counts it, and reads features again when the store is back."""

import json
import signal
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import redis

from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.io import read_table
from ..core.paths import TEST
from ..core.programs import find, running
from ..monitoring.client import Client
from ..monitoring.live_server import live_server
from ..serving.online_features import Features, FeatureStoreSettings
from . import Evidence
from .harness.sandbox import sandbox, wait


def main() -> Evidence:
    """Stop the process of a Redis with SIGSTOP, which keeps connections open and never answers."""
    source = redis.Redis.from_url(FeatureStoreSettings.load().redis, socket_timeout=2, socket_connect_timeout=2)
    entity, row = Features.read().entity, read_table(TEST).head(1)
    body = json.dumps({"rows": [{entity: row[entity].item()}]}).encode()
    defaults = json.dumps(Inputs.read().to_rows(row)[0])
    command = [find("redis-server"), "--port", "0", "--unixsocket", "redis.sock", "--save", ""]
    with sandbox(), running(command, Path(), Path("redis.sock").exists) as store:
        address = f"unix://{Path('redis.sock').resolve()}"
        _copy(source, redis.Redis.from_url(address))
        variables = {"FEATURE_STORE_REDIS": address, "FEATURE_STORE_DEFAULTS": defaults}
        with live_server(**variables, FEATURE_STORE_CHECK_SECONDS="1") as server:

            def reaches(outcome: str, up: int) -> bool:
                answers.append(_source_of(server, body))
                return answers[-1] == f"{outcome}=1" and server.metric("feature_store_up") == up

            answers: list[str | None] = []
            wait(lambda: reaches("fresh", up=1), "the server predicts from features")
            store.send_signal(signal.SIGSTOP)
            fault = time.monotonic()
            wait(lambda: reaches("unavailable", up=0), "the server predicts from defaults, and a metric shows it")
            detected = time.monotonic() - fault
            store.send_signal(signal.SIGCONT)
            wait(lambda: reaches("fresh", up=1), "the server reads features again")
            recovered = time.monotonic() - fault
    return Evidence(
        fault="Redis hangs: its process is stopped, its connections stay open",
        detected_after_seconds=detected,
        decision="no features within timeout_seconds: the defaults of config/feature_store.yaml",
        action="predictions from defaults, marked in X-Features; feature_store_up is 0, for the alert FeatureStoreDown",
        recovered_after_seconds=recovered,
        requests=len(answers),
        requests_failed=answers.count(None),
        recovered=None not in answers,
    )


def _copy(source: redis.Redis, target: redis.Redis) -> None:
    """Copy all features; the project's own store is only read."""
    try:
        for key in source.scan_iter(count=1000):
            if (content := source.dump(key)) is not None:
                target.restore(key, 0, content)
    except redis.RedisError as error:
        raise UserError(
            f"the feature store cannot be read: {error}: docs/feature-store.md shows how to fill it"
        ) from error


def _source_of(server: Client, body: bytes) -> str | None:
    """Return where the features of a prediction came from, or None if the request failed."""
    try:
        with urlopen(Request(f"{server.address}/entities/predict", body), timeout=5) as response:
            return response.headers["X-Features"]
    except URLError:
        return None
