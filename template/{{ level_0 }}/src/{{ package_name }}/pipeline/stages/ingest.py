# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from ...core.io import write_table
from ...core.paths import RAW
from ...modeling import data
from ..data_checks import checked
from ..params import load_params


def main() -> None:
    """Write the table that `data.ingest` returns, if it is what the constants of `data.py` promise."""
    params = load_params()
    write_table(checked(data.ingest(params.data, params.seed)), RAW)
