# Managed by copier-mlops: an update merges with your edits.
"""The model server as a process of its own on a free port, for checks, drills and the simulated year."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.lineage import PACKAGE

START_SECONDS = 180
REQUEST_SECONDS = 60


class LiveServer:
    """A running server; counts its predictions and those that failed."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.address = process, f"http://127.0.0.1:{port}"
        self.requests = self.failed = 0
        self._connection = HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)

    def get(self, path: str) -> bytes | None:
        """Return the body of a response, or None if there is none or its status is not 200."""
        return self._ask("GET", path)

    def predict(self, rows: Sequence[Mapping[str, Any]], entity: str | None = None) -> dict[str, Any] | None:
        """Return the answer for rows, or None if the request failed, which is counted."""
        self.requests += 1
        answer = self._ask("POST", "/predict", json.dumps({"rows": [*rows]}), {"X-Entity-ID": entity} if entity else {})
        self.failed += answer is None
        return None if answer is None else json.loads(answer)

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes | None:
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self._connection.close()  # the next request connects again
            return None
        return content if response.status == 200 else None


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
