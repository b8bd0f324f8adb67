# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from pathlib import Path

from ...core.errors import UserError
from ...core.io import write_table
from ...core.paths import RAW
from ...modeling import data
from ..data_checks import checked
from ..params import load_params
from ..sources import with_further_rows


def main() -> None:
    """Write the rows of `data.ingest`, if they are what the constants of `data.py` promise, and those of further sources."""
    params = load_params()
    try:
        rows = data.ingest(params.data, params.seed)
    except FileNotFoundError as error:
        path = error.filename or error
        copy = "copy it there, or read a sample that is in Git: docs/your-own-data.md"
        get = f"`uv run dvc pull {path}` gets it" if Path(f"{path}.dvc").exists() else copy
        raise UserError(f"data.py: ingest reads {path}, which is missing: {get}") from error
    write_table(with_further_rows(checked(rows)), RAW)
