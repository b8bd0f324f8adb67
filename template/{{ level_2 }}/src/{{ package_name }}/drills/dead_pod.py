# Managed by copier-mlops: an update merges with your edits.
"""`kill -9` of the server of a new version: its requests are answered by the old version until its end is noticed."""

import time

from ..monitoring.live_server import LiveServer
from . import Evidence
from .harness.release import release

UNNOTICED_SECONDS = 1  # in which requests go on reaching a server that has ended


def main() -> Evidence:
    """Release a version without a fault, and kill its server when it gets requests."""

    def kill(_: int, server: LiveServer) -> None:
        time.sleep(UNNOTICED_SECONDS)
        server.process.kill()
        time.sleep(UNNOTICED_SECONDS)

    return release("loses its server", "readiness", kill)
