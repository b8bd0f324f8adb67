# Managed by copier-mlops: an update merges with your edits.
"""Get the raw data."""

from pathlib import Path
from typing import Any

from ...core.errors import UserError
from ...core.io import write_table
from ...core.paths import RAW
from ...modeling import data
from ...modeling.params import Params
from ..data_checks import checked
from ..params import load_params
from ..sources import with_further_rows


def main() -> None:
    """Write the rows of `data.ingest`, if they are what the constants of `data.py` promise, and those of further sources."""
    write_table(with_further_rows(checked(ingested(load_params()))), RAW)


def ingested(params: Params) -> Any:
    """Return what `data.ingest` returns, or name the file that it reads and that is missing, as in a clone of others."""
    try:
        return data.ingest(params.data, params.seed)
    except FileNotFoundError as error:
        path = error.filename or error
    copy = "copy it there, or read a sample that is in Git: docs/your-own-data.md"
    get = f"`uv run dvc pull {path}` gets it" if Path(f"{path}.dvc").exists() else copy
    raise UserError(f"data.py: ingest reads {path}, which is missing: {get}")
