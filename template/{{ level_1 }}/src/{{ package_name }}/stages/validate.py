# Managed by copier-mlops: an update merges with your edits.
"""Check the raw data."""

import shutil
from pathlib import Path

from ..errors import UserError
from ..files import RAW, REPORTS, read_table, write_json
from ..pages import DATA_DOCS, validation_page
from ..validation import check, load_suite

EXPECTATIONS = Path("expectations/raw.yaml")


def main() -> None:
    """Write that the raw data meets all expectations.

    Raises:
        UserError: it does not; says what is wrong, a line for each expectation.
    """
    frame, suite = read_table(RAW), load_suite(EXPECTATIONS)
    shutil.rmtree(DATA_DOCS, ignore_errors=True)
    failed = check(frame, suite, DATA_DOCS)
    if failed:
        raise UserError("\n  ".join([f"{RAW} breaks {EXPECTATIONS}, see {validation_page()}", *failed]))
    write_json({"rows": len(frame), "expectations": len(suite.expectations)}, REPORTS / "validation.json")
