# Managed by copier-mlops: an update merges with your edits.
"""The model server as a process of its own on a free port, for checks, drills and the simulated year."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import UserError
from ..core.lineage import PACKAGE
from ..monitoring.client import Client

START_SECONDS = 180


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def live_server(**variables: str) -> Iterator[Client]:
    """Yield a client of a server of this folder that is ready.

    Args:
        variables: of its environment, such as SERVING_ALIASES.

    Raises:
        UserError: it does not become ready; with the end of its log.
    """
    port, log = free_port(), Path("server.log")
    environment = {**os.environ, "SERVING_DRAIN_SECONDS": "0", "SERVING_RELOAD_SECONDS": "0.5", **variables}
    command = [sys.executable, "-m", f"{PACKAGE}.serving", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    client, until = Client(f"http://127.0.0.1:{port}"), time.monotonic() + START_SECONDS
    try:
        while client.get("/v2/health/ready") is None:
            if process.poll() is not None or time.monotonic() > until:
                raise UserError(f"the server did not become ready: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.1)
        yield client
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.unlink(missing_ok=True)
