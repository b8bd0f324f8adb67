# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from ...core.io import write_table
from ...core.paths import RAW
from ...modeling import data
from ..params import load_params


def main() -> None:
    """Write the table that `data.ingest` returns."""
    params = load_params()
    write_table(data.ingest(params.data, params.seed), RAW)
