# Managed by copier-mlops: an update merges with your edits.
"""The model server as a process of its own on a free port, for checks, drills and the simulated year."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from ..core.errors import UserError
from ..core.lineage import PACKAGE
from ..core.programs import free_port
from .client import Client

START_SECONDS = 180
# What is tried here is not signed yet, if signatures are required at all.
LOCAL = {"SERVING_DRAIN_SECONDS": "0", "SERVING_RELOAD_SECONDS": "0.5", "ARTIFACT_REQUIRED": "false"}


class LiveServer(Client):
    """A client of a server that runs as a process of its own."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.place = f"127.0.0.1:{port}"
        super().__init__(f"http://{self.place}")
        self.process, self._log = process, log

    @property
    def ready(self) -> bool:
        """Return whether it has a model to predict with."""
        return self.get("/v2/health/ready") is not None

    @property
    def failed_loads(self) -> float:
        """Return how often it could not load a version."""
        return self.metric("model_reloads_total", outcome="failed")

    def wait(self, loads: float = float("inf")) -> None:
        """Wait until it is ready.

        Raises:
            UserError: it does not become ready, or this many loads of the model failed; with the end of its log.
        """
        until = time.monotonic() + START_SECONDS
        while not self.ready:
            if self.process.poll() is not None or time.monotonic() > until or self.failed_loads >= loads:
                log = " ".join(self._log.read_text(errors="replace").split())
                raise UserError(f"the server did not become ready: {log[-500:]}")
            time.sleep(0.1)


@contextmanager
def started_server(port: int = 0, /, **variables: str) -> Iterator[LiveServer]:
    """Yield a server of this folder that may not be ready yet, with variables such as SERVING_ALIASES; port 0 is a free one."""
    port = port or free_port()
    environment = {**os.environ, **LOCAL, **variables}
    command = [sys.executable, "-m", f"{PACKAGE}.serving", "--port", str(port)]
    with NamedTemporaryFile(prefix="server-", suffix=".log") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield LiveServer(port, process, Path(log.name))
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def live_server(**variables: str) -> Iterator[LiveServer]:
    """Yield a server of this folder that is ready; see `started_server`.

    Raises:
        UserError: it does not become ready; with the end of its log.
    """
    with started_server(**variables) as server:
        server.wait()
        yield server
