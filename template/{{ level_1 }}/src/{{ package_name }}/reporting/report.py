# Managed by copier-mlops: an update merges with your edits.
"""One page about the last run, with links to all other pages in `reports/`."""

import argparse

from ..core.errors import exit_on_user_error
from ..core.io import read_json
from ..core.paths import METRICS, REPORTS, SLICES
from ..core.run_record import RunRecord
from .html import FEW_ROWS, figures, render_markdown, write_page
from .sections import sections

PAGE = REPORTS / "index.html"


def write(run: RunRecord) -> None:
    """Write the page."""
    write_page(
        PAGE,
        "report.html.j2",
        model=run.model,
        run=run,
        metrics=read_json(METRICS),
        slices=read_json(SLICES),
        few_rows=FEW_ROWS,
        validation=read_json(REPORTS / "validation.json", task="validate"),
        pages=pages(),
        figures=figures(),
        sections={title: render_markdown(text) for title, text in sections().items()},
    )


def pages() -> dict[str, str]:
    """Return the file name of each other page in `reports/`, by title."""
    names = sorted(path.name for path in REPORTS.glob("*.html") if path != PAGE)
    return {name.removesuffix(".html").replace("_", " ").capitalize(): name for name in names}


if __name__ == "__main__":
    argparse.ArgumentParser(prog="poe report", description=f"Write {PAGE} of the last run.").parse_args()
    with exit_on_user_error("report"):
        write(RunRecord.read())
        print(f"{PAGE} is written")
