# Managed by copier-mlops: an update merges with your edits.
"""Sends rows whose outcome is known to a running server, and stores the outcomes: `poe replay`."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_table
from ..core.paths import TEST
from ..modeling.data import ENTITY, TARGET, VALUE
from ..modeling.labels import TIME
from .client import Client
from .labels import ingest

SERVER = "http://localhost:8080"
LOG_SECONDS = 2  # until the server has written the last predictions


def replay(client: Client, rows: pd.DataFrame) -> list[tuple[Any, datetime]]:
    """Send a request for each row to a server, and return each answer with its time.

    Raises:
        UserError: no server responds, or a request fails.
    """
    if client.get("/v2/health/ready") is None:
        raise UserError(f"{client.problem}; `uv run poe serve` starts a server with the champion")
    answers = [(answer, datetime.now(UTC)) for answer in client.stream(rows)]
    if client.failed:
        raise UserError(f"{client.failed} of {client.requests} requests failed: {client.problem}")
    return answers


def main() -> None:
    """Send the test rows."""
    parser = argparse.ArgumentParser(prog="poe replay", description="Send the test rows to a running server.")
    parser.add_argument("--server", default=SERVER, metavar="URL", help=f"default: {SERVER}")
    parser.add_argument("--host", metavar="NAME", help="of the service, if the server is a gateway")
    arguments = parser.parse_args()
    with exit_on_user_error("replay"):
        rows = read_table(TEST)
        # Each outcome is known before the next prediction for its entity: it belongs to no other one.
        known = [moment for _, moment in replay(Client(arguments.server, arguments.host), rows)]
        time.sleep(LOG_SECONDS)
        outcomes = rows[[ENTITY, TARGET, VALUE]].assign(**{TIME: known})
        print(f"replay: {len(rows):,} rows are predicted; outcomes: {ingest(outcomes).line()}")


if __name__ == "__main__":
    main()
