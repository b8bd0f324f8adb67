# Managed by copier-mlops: an update merges with your edits.
"""Sends rows whose outcome is known to a running server, as clients do: `poe replay`, or a drill."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import read_table
from ..core.paths import TEST
from ..modeling.data import ENTITY, TARGET, VALUE, features_and_target
from ..modeling.labels import TIME
from .labels import ingest

SERVER = "http://localhost:8080"


def send(rows: pd.DataFrame, server: str = SERVER) -> pd.DataFrame:
    """Send a request for each row, with its entity, and return their outcomes as `modeling.labels.outcomes` does.

    Raises:
        UserError: the server cannot be reached, or refuses a row.
    """
    bodies = Inputs.read().to_rows(features_and_target(rows)[0])
    with closing(HTTPConnection(urlsplit(server).netloc, timeout=30)) as connection:
        for entity, body in zip(rows[ENTITY].astype(str), bodies, strict=True):
            try:
                connection.request("POST", "/predict", json.dumps({"rows": [body]}), {"X-Entity-ID": entity})
                with connection.getresponse() as response:
                    answer = response.read().decode()
            except OSError as error:
                raise UserError(f"no server at {server}: `uv run poe serve` starts one ({error})") from error
            if response.status != 200:
                raise UserError(f"{server} refuses a row: {answer[:300]}")
    return rows[[ENTITY, TARGET, VALUE]].assign(**{TIME: datetime.now(UTC)})


def main() -> None:
    """Send the test rows."""
    parser = argparse.ArgumentParser(prog="poe replay", description="Send the test rows to a running server.")
    parser.add_argument("--server", default=SERVER, metavar="URL", help=f"default: {SERVER}")
    parser.add_argument("--rows", type=int, metavar="N", help="default: all")
    arguments = parser.parse_args()
    with exit_on_user_error("replay"):
        rows = read_table(TEST).head(arguments.rows)
        outcomes = send(rows, arguments.server)
        print(f"replay: {len(rows):,} rows are predicted; outcomes: {_store(outcomes)}")


def _store(outcomes: pd.DataFrame) -> str:
    """Store outcomes once the server has written the predictions, and return what became of them."""
    import time

    time.sleep(2)
    return ingest(outcomes).line()


if __name__ == "__main__":
    main()
