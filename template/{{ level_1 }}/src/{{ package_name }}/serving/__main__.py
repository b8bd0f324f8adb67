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

from ..config import load
from ..errors import reported
from .app import create_app
from .inference import Inference
from .instruments import Instruments
from .models import Models
from .settings import CONFIGURATION, Serving

GRACE_SECONDS = 10  # for requests that are still running when the server closes


class Server(uvicorn.Server):
    """Answers on for a while after SIGTERM, not ready: until everybody who sends requests knows, none is lost."""

    def __init__(self, config: uvicorn.Config, models: Models, drain_seconds: float) -> None:
        super().__init__(config)
        self._models = models
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once on Ctrl-C or if told twice, and later on SIGTERM."""
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
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="serve", description="Serve the models of serving.yaml.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
    parser.add_argument("--port", default=os.environ.get("PORT", "8080"), type=int, help="else PORT, else 8080")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # For a model without a fast path: requests are small, and many; threads and Arrow's texts only pay off for large ones.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pd.set_option("mode.string_storage", "python")
    with reported("serve"):
        settings = load(CONFIGURATION, Serving)
    instruments = Instruments(settings.prediction_buckets)
    models = Models(settings.models, os.environ.get("MODEL_ALIAS", "champion"), instruments)
    app = create_app(Inference(settings, models, instruments))
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        access_log=False,
        proxy_headers=False,  # nobody asks who asks
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it anew after it has stopped
        Server(config, models, settings.drain_seconds).run()


if __name__ == "__main__":
    main()
