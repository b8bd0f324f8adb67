# Managed by copier-mlops: an update merges with your edits.
"""Sends rows whose outcome is known to a running server, and stores the outcomes: `poe replay`."""

import argparse
import time
from datetime import UTC, datetime

from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_table
from ..core.paths import TEST
from ..modeling.data import ENTITY, TARGET, VALUE
from ..modeling.labels import TIME
from .client import Client
from .labels import ingest

SERVER = "http://localhost:8080"


def main() -> None:
    """Send the test rows."""
    parser = argparse.ArgumentParser(prog="poe replay", description="Send the test rows to a running server.")
    parser.add_argument("--server", default=SERVER, metavar="URL", help=f"default: {SERVER}")
    parser.add_argument("--host", metavar="NAME", help="of the service, if the server is a gateway")
    arguments = parser.parse_args()
    with exit_on_user_error("replay"):
        rows, client = read_table(TEST), Client(arguments.server, arguments.host)
        if client.get("/v2/health/ready") is None:
            raise UserError(f"{client.problem}; `uv run poe serve` starts a server with the champion")
        # Each outcome is known before the next prediction for its entity: it belongs to no other one.
        known = [datetime.now(UTC) for _ in client.stream(rows)]
        if client.failed:
            raise UserError(f"{client.failed} of {client.requests} requests failed: {client.problem}")
        time.sleep(2)  # until the server has written the predictions
        outcomes = rows[[ENTITY, TARGET, VALUE]].assign(**{TIME: known})
        print(f"replay: {len(rows):,} rows are predicted; outcomes: {ingest(outcomes).line()}")


if __name__ == "__main__":
    main()
