# Managed by copier-mlops: an update merges with your edits.
"""The registry is down: the server keeps serving, a promotion fails in one line, and both go on when the registry is back."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from ..core.programs import free_port, is_ready, running
from ..delivery.traffic import traffic
from ..monitoring.live_server import live_server
from . import Evidence
from .harness.sandbox import sandbox, wait

REQUESTS_PER_SECOND = 20
PROMOTION = ["registry.promotion", "promote", "--version", "challenger", "--approved-by", "drill"]


def main() -> Evidence:
    """Kill an MLflow server while a model server runs, promote, start it again, and promote again."""
    port = free_port()
    variables = {
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "GOVERNANCE_COMMITTED": "false",
    }
    with sandbox() as copy, ExitStack() as stack:
        copy.run("", "register")
        with registry(port):
            server = stack.enter_context(live_server(**variables))
            clients = stack.enter_context(traffic(server.address, REQUESTS_PER_SECOND))
            old = wait(lambda: {*clients.versions}, "the first responses")
        fault = time.monotonic()
        wait(lambda: server.failed_loads, "the server notices")
        detected = time.monotonic() - fault
        code, printed = copy.attempt(*PROMOTION, **variables)
        with registry(port):
            copy.run(*PROMOTION, **variables)
            wait(lambda: {*clients.versions} - old, "the new champion is served")
        recovered = time.monotonic() - fault
    one_line = code == 1 and len(printed.strip().splitlines()) == 1
    return Evidence(
        fault="kill -9 of the MLflow server",
        detected_after_seconds=detected,
        decision=printed.strip()[:300],
        action="the server kept its version, and the promotion succeeded when the registry was back",
        recovered_after_seconds=recovered,
        requests=clients.requests,
        requests_failed=clients.failed,
        recovered=one_line and clients.failed == 0,
    )


@contextmanager
def registry(port: int) -> Iterator[None]:
    """Run an MLflow server on the registry in this folder, and kill it with its processes at the end of the block."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--workers", "1"]
    ready = partial(is_ready, f"http://127.0.0.1:{port}/health")
    with running([*command, "--port", str(port)], Path(), ready, group=True):
        yield
