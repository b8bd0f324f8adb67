# Managed by copier-mlops: an update merges with your edits.
"""One page that shows the last run and leads to all that it made."""

from . import files
from .errors import reported
from .pages import VALIDATION, environment, figures

PAGE = files.REPORTS / "index.html"


def write() -> None:
    """Write the page."""
    template = environment().get_template("index.html.j2")
    page = template.render(
        run=files.read_json(files.REPORTS / "run.json"),
        metrics=files.read_json(files.METRICS),
        slices=files.read_json(files.SLICES),
        validation=files.read_json(files.REPORTS / "validation.json"),
        validation_page=VALIDATION.name if VALIDATION.exists() else None,
        figures=figures(),
    )
    with files.replacing(PAGE) as partial:
        partial.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    with reported("report"):
        write()
