# Managed by copier-mlops: an update merges with your edits.
"""Validate the raw data."""

from pathlib import Path

from ... import FOLDER
from ...core.errors import UserError
from ...core.io import read_table, write_json
from ...core.paths import RAW, REPORTS
from ...reporting.html import write_page
from ..expectations import check, load_suite

EXPECTATIONS = Path(FOLDER, "expectations/raw.yaml")
PAGE = REPORTS / "validation.html"


def main() -> None:
    """Write the validation page, and `reports/validation.json` if the raw data meets all expectations.

    Raises:
        UserError: it does not; one line for each expectation.
    """
    frame = read_table(RAW)
    suite = load_suite(EXPECTATIONS, frame)
    outcomes = check(frame, suite)
    write_page(PAGE, table=RAW, suite=EXPECTATIONS, rows=len(frame), outcomes=outcomes)
    if failed := [outcome.line for outcome in outcomes if not outcome.met]:
        raise UserError("\n  ".join([f"{RAW} breaks {EXPECTATIONS}, see {PAGE}", *failed]))
    write_json({"rows": len(frame), "expectations": len(suite.expectations)}, REPORTS / "validation.json")
