# Managed by copier-mlops: an update merges with your edits.
"""Check the raw data."""

from pathlib import Path

from ..errors import UserError
from ..files import RAW, REPORTS, read_table, write_json
from ..validation import check, load_suite

EXPECTATIONS = Path("expectations/raw.yaml")
PAGES = REPORTS / "data_docs"


def main() -> None:
    """Write that the raw data meets all expectations.

    Raises:
        UserError: it does not; says what is wrong, a line for each expectation.
    """
    frame, suite = read_table(RAW), load_suite(EXPECTATIONS)
    failed = check(frame, suite, PAGES)
    if failed:
        raise UserError("\n  ".join([f"{RAW} breaks {EXPECTATIONS}, see {PAGES}/index.html", *failed]))
    write_json({"rows": len(frame), "expectations": len(suite.expectations)}, REPORTS / "validation.json")
