# Managed by copier-mlops: an update merges with your edits.
"""One page about the last validation of the raw data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.io import write_text
from ..core.paths import REPORTS
from .html import environment

PAGE = REPORTS / "validation.html"


def write(table: Path, suite: Path, rows: int, outcomes: Sequence[Any]) -> None:
    """Write the page.

    Args:
        table: what was validated.
        suite: by which file.
        rows: of the table.
        outcomes: of each expectation, as `pipeline.expectations.check` returns them.
    """
    template = environment().get_template("validation.html.j2")
    page = template.render(table=table, suite=suite, rows=rows, outcomes=outcomes)
    write_text(page, PAGE)
