# Managed by copier-mlops: an update merges with your edits.
"""The model server as a process of its own on a free port, for checks, drills and the simulated year."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.lineage import PACKAGE

START_SECONDS = 60
REQUEST_SECONDS = 30


class LiveServer:
    """A running server; counts its requests and those that failed."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.address, self.process = f"http://127.0.0.1:{port}", process
        self.requests = self.failed = 0

    def get(self, path: str) -> bytes | None:
        """Return the body of a response, or None if there is none or its status is not 200."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=REQUEST_SECONDS) as response:
                return response.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def predict(self, rows: Sequence[Mapping[str, Any]], entity: str | None = None) -> dict[str, Any] | None:
        """Return the server's answer for rows, or None if the request failed, which is counted."""
        self.requests += 1
        headers = {"Content-Type": "application/json", **({"X-Entity-ID": entity} if entity else {})}
        body = json.dumps({"rows": [*rows]}).encode()
        request = urllib.request.Request(f"{self.address}/predict", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
                return json.load(response)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            self.failed += 1
            return None


@contextmanager
def live_server(**variables: str) -> Iterator[LiveServer]:
    """Yield a server of this folder that is ready.

    Args:
        variables: of its environment, such as SERVING_ALIASES.

    Raises:
        UserError: it does not become ready; with the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = Path("server.log")
    environment = {**os.environ, "SERVING_DRAIN_SECONDS": "0", "SERVING_RELOAD_SECONDS": "0.5", **variables}
    command = [sys.executable, "-m", f"{PACKAGE}.serving", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    server = LiveServer(process, port)
    try:
        until = time.monotonic() + START_SECONDS
        while server.get("/v2/health/ready") is None:
            if process.poll() is not None or time.monotonic() > until:
                raise UserError(f"the server did not become ready: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.unlink(missing_ok=True)
