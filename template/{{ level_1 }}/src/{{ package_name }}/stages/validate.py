# Managed by copier-mlops: an update merges with your edits.
"""Check the raw data."""

import shutil
from pathlib import Path

from ..errors import UserError
from ..files import RAW, REPORTS, read_table, replacing, write_json
from ..pages import VALIDATION
from ..validation import check, load_suite

EXPECTATIONS = Path("expectations/raw.yaml")
DATA_DOCS = REPORTS / "data_docs"


def main() -> None:
    """Write that the raw data meets all expectations.

    Raises:
        UserError: it does not; says what is wrong, a line for each expectation.
    """
    frame, suite = read_table(RAW), load_suite(EXPECTATIONS)
    shutil.rmtree(DATA_DOCS, ignore_errors=True)
    failed = check(frame, suite, DATA_DOCS)
    lead_to_results()
    if failed:
        raise UserError("\n  ".join([f"{RAW} breaks {EXPECTATIONS}, see {VALIDATION}", *failed]))
    write_json({"rows": len(frame), "expectations": len(suite.expectations)}, REPORTS / "validation.json")


def lead_to_results() -> None:
    """Write a page that leads to the results, whose own place has the time of the validation in it."""
    results = next((DATA_DOCS / "validations").rglob("*.html")).relative_to(REPORTS).as_posix()
    with replacing(VALIDATION) as partial:
        partial.write_text(f'<meta http-equiv="refresh" content="0; url={results}">\n', encoding="utf-8")
