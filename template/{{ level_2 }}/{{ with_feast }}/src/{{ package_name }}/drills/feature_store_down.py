# Managed by copier-mlops: an update merges with your edits.
"""The feature store hangs: the server predicts from defaults, counts it, and reads features again when the store is back."""

import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import redis

from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.io import read_table
from ..core.paths import TEST
from ..serving.online_features import Features
from ..serving.plugins.feature_store import FeatureStoreSettings
from . import Evidence
from .harness.sandbox import sandbox, wait

ENTITIES = 50  # that are copied from the project's store
Answer = tuple[int, str]  # status, and where the features came from


def main() -> Evidence:
    """Stop the process of a Redis with SIGSTOP, which keeps connections open and never answers."""
    source = redis.Redis.from_url(FeatureStoreSettings.load().redis, socket_timeout=2, socket_connect_timeout=2)
    keys = read_table(TEST)[Features.read().entity].head(ENTITIES).tolist()
    with sandbox() as copy, _redis() as (store, port):
        _copy(source, redis.Redis(port=port))
        defaults = json.dumps(Inputs.read().to_rows(read_table(TEST).head(1))[0])
        address, place = f"redis://127.0.0.1:{port}/0", f"http://127.0.0.1:{_free_port()}"
        settings = {
            "FEATURE_STORE_REDIS": address,
            "FEATURE_STORE_DEFAULTS": defaults,
            "FEATURE_STORE_CHECK_SECONDS": "1",
        }
        server = copy.start("serving", "--port", place.rpartition(":")[2], **settings)
        try:
            wait(lambda: _ask(place, keys[0]) == (200, "fresh=1"), "the server predicts from features")
            answers: list[Answer] = []

            def reaches(expected: str) -> bool:
                answers.append(_ask(place, keys[len(answers) % len(keys)]))
                return answers[-1] == (200, f"{expected}=1")

            store.send_signal(signal.SIGSTOP)
            fault = time.monotonic()
            wait(lambda: reaches("unavailable"), "the server predicts from defaults")
            detected = time.monotonic() - fault
            wait(lambda: reaches("unavailable") and "feature_store_up 0.0" in _metrics(place), "the metric says so")
            store.send_signal(signal.SIGCONT)
            wait(
                lambda: reaches("fresh") and "feature_store_up 1.0" in _metrics(place),
                "the server reads features again",
            )
            recovered = time.monotonic() - fault
        finally:
            server.kill()
    return Evidence(
        fault="Redis hangs: its process is stopped, its connections stay open",
        detected_after_seconds=detected,
        decision="no features within timeout_seconds: the defaults of config/feature_store.yaml",
        action="predictions from defaults, marked in X-Features; feature_store_up is 0, for the alert FeatureStoreDown",
        recovered_after_seconds=recovered,
        requests=len(answers),
        requests_failed=sum(status != 200 for status, _ in answers),
        recovered=True,
    )


@contextmanager
def _redis() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a Redis of the drill's own."""
    if (program := shutil.which("redis-server")) is None:
        raise UserError("redis-server is not installed: this drill starts one of its own")
    port = _free_port()
    process = subprocess.Popen([program, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        wait(lambda: _responds(redis.Redis(port=port)), "Redis starts")
        yield process, port
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def _responds(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _copy(source: redis.Redis, target: redis.Redis) -> None:
    """Copy all features; the project's own store is only read."""
    try:
        for key in source.scan_iter(count=1000):
            if (content := source.dump(key)) is not None:
                target.restore(key, 0, content)
    except redis.RedisError as error:
        raise UserError(
            f"the feature store cannot be read: {error}: `uv run poe features materialize` fills it"
        ) from error


def _ask(place: str, key: str) -> Answer:
    name = Features.read().entity
    body = json.dumps({"rows": [{name: key}]}).encode()
    try:
        with urlopen(Request(f"{place}/entities/predict", body), timeout=5) as response:
            return response.status, response.headers["X-Features"]
    except HTTPError as error:
        return error.code, ""
    except (URLError, OSError):
        return 0, ""


def _metrics(place: str) -> str:
    with urlopen(f"{place}/metrics", timeout=5) as response:
        return response.read().decode()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
