# Managed by copier-mlops: an update merges with your edits.
"""Validate the raw data."""

import shutil
from pathlib import Path

from ...core.errors import UserError
from ...core.io import read_table, write_json, write_text
from ...core.paths import RAW, REPORTS
from ..expectations import check, load_suite

EXPECTATIONS = Path("expectations/raw.yaml")
DATA_DOCS = REPORTS / "data_docs"
PAGE = REPORTS / "validation.html"


def main() -> None:
    """Write the validation page, and `reports/validation.json` if the raw data meets all expectations.

    Raises:
        UserError: it does not; one line for each expectation.
    """
    frame, suite = read_table(RAW), load_suite(EXPECTATIONS)
    shutil.rmtree(DATA_DOCS, ignore_errors=True)
    failed = check(frame, suite, DATA_DOCS)
    write_redirect()
    if failed:
        raise UserError("\n  ".join([f"{RAW} breaks {EXPECTATIONS}, see {PAGE}", *failed]))
    write_json({"rows": len(frame), "expectations": len(suite.expectations)}, REPORTS / "validation.json")


def write_redirect() -> None:
    """Write a stable link to the validation page: Great Expectations puts a timestamp in its path."""
    page = next((DATA_DOCS / "validations").rglob("*.html")).relative_to(REPORTS).as_posix()
    write_text(f'<meta http-equiv="refresh" content="0; url={page}">\n', PAGE)
