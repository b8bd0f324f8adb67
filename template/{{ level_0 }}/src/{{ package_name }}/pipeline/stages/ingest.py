# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from ...core.io import write_table
from ...core.paths import RAW
from ...modeling import data
from ..data_checks import checked
from ..params import load_params
from ..sources import with_further_rows


def main() -> None:
    """Write the rows of `data.ingest`, if they are what the constants of `data.py` promise, and those of further sources."""
    params = load_params()
    write_table(with_further_rows(checked(data.ingest(params.data, params.seed))), RAW)
