# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from .. import data
from ..config import load_params
from ..files import RAW, write_table


def main() -> None:
    """Write what `data.ingest` returns."""
    params = load_params()
    write_table(data.ingest(params.data, params.seed), RAW)
