# Managed by copier-mlops: an update merges with your edits.
"""Programs of others that run as long as they are needed: Prometheus, Alertmanager, Envoy."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import SystemRandom

from .errors import UserError

START_SECONDS = 120
SERVER_PORTS = range(20_000, 32_768)  # below the local ports of Linux, macOS and Windows


def find(*names: str) -> str:
    """Return the path of a program by one of its names.

    Raises:
        UserError: it is not installed.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    raise UserError(
        f"this needs {names[-1]}: install Debian's package {names[0]}, or unpack the release of {names[-1]} and put it on PATH"
    )


def free_port() -> int:
    """Return a port that is free now, and none of those that systems give to clients, which may come before the server."""
    while True:
        port = SystemRandom().choice(SERVER_PORTS)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def listens(address: str) -> bool:
    """Return whether a process listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def is_ready(url: str) -> bool:
    """Return whether a URL responds with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status == 200
    except OSError:
        return False


@contextmanager
def running(
    command: Sequence[str], folder: Path, ready: Callable[[], bool], group: bool = False, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a folder until the end of the block, which begins when it is ready.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        ready: returns whether it is.
        group: it starts processes, which end with it.
        log: its file; by default, one in the folder.

    Raises:
        UserError: it ends before that, or takes longer than two minutes; with the end of its log.
    """
    log, until = log or folder / f"{Path(command[0]).name}.log", time.monotonic() + START_SECONDS
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=group)
    try:
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise UserError(f"{command[0]} did not start: {log.read_text(encoding='utf-8')[-500:]}")
            time.sleep(0.1)
        yield process
    finally:
        if group:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
