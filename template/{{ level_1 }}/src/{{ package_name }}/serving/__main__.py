# Managed by copier-mlops: an update merges with your edits.
"""Start the server: `python -m PACKAGE.serving`."""

import argparse
import logging
import os
import signal
import sys
from contextlib import suppress
from threading import Timer
from types import FrameType

import pandas as pd
import uvicorn

from ..core.errors import exit_on_user_error
from .app import create_app
from .connections import Connection
from .handler import Inference
from .settings import Serving

KEEP_ALIVE_SECONDS = 3660  # of idle connections: load balancers have to close them first, Envoy does after an hour
GRACE_SECONDS = 10  # for requests that are still running when the server closes


class Server(uvicorn.Server):
    """On SIGTERM turn unready but keep serving for `drain_seconds`, so that load balancers stop sending before we stop."""

    def __init__(self, config: uvicorn.Config, inference: Inference) -> None:
        super().__init__(config)
        self._models = inference.models
        self._drain_seconds = inference.settings.drain_seconds
        inference.batcher.received = self.server_state.tasks

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on the first SIGTERM; stop at once on Ctrl-C or a second signal."""
        if sig != signal.SIGTERM or self._models.draining:
            super().handle_exit(sig, frame)
            return
        self._models.draining = True
        timer = Timer(self._drain_seconds, self._stop)
        timer.daemon = True
        timer.start()

    def _stop(self) -> None:
        self.should_exit = True


def main() -> None:
    """Serve until a signal stops the server."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve the models of config/serving.yaml.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default=os.environ.get("PORT", "8080"), type=int, help="default: PORT, or 8080")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # For models without an ONNX form: requests are small and frequent; threads and Arrow strings only help large tables.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pd.set_option("mode.string_storage", "python")
    with exit_on_user_error("serve"):
        inference = Inference.create(Serving.load())
    config = uvicorn.Config(
        create_app(inference),
        host=arguments.host,
        port=arguments.port,
        http=Connection,
        access_log=False,
        proxy_headers=False,  # client addresses are not used
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has stopped
        Server(config, inference).run()


if __name__ == "__main__":
    main()
