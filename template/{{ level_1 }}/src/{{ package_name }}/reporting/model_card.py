# Managed by copier-mlops: an update merges with your edits.
"""The model card: what the run measured and what the team wrote, as Markdown for Hugging Face and as a page."""

import argparse
import re
from pathlib import Path

from .. import FOLDER
from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_json, write_text
from ..core.paths import METRICS, REPORTS, SLICES
from ..core.run_record import RunRecord
from ..modeling import data
from .html import FEW_ROWS, environment, figures, render_markdown, write_page

NOTES = Path(FOLDER, "docs/model_card_notes.md")
MARKDOWN = REPORTS / "model_card.md"
PAGE = REPORTS / "model_card.html"
REQUIRED = ["Intended use", "Training data", "Limitations", "Ethical considerations", "Contact"]
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
EXAMPLE = re.compile(r"<!-- example\b.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)  # it describes no data of yours


def notes() -> dict[str, str]:
    """Return the team's sections by heading, without those that describe the example although the data is another.

    Raises:
        UserError: there are no notes.
    """
    if not NOTES.exists():
        raise UserError(f"{NOTES} is missing: write it with the headings {', '.join(REQUIRED)}")
    text = NOTES.read_text(encoding="utf-8")
    if not hasattr(data, "simulate"):
        text = EXAMPLE.sub("", text)
    text = COMMENT.sub("", text)
    _, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    return {heading.strip(): body.strip() for heading, _, body in (section.partition("\n") for section in sections)}


def empty_sections() -> list[str]:
    """Return the required sections that the team has left empty, or as they describe the example."""
    written = notes()
    return [heading for heading in REQUIRED if not written.get(heading)]


def check() -> None:
    """Check that the team has written all required sections.

    Raises:
        UserError: a required section is empty; names it.
    """
    if empty := empty_sections():
        marked = EXAMPLE.search(NOTES.read_text(encoding="utf-8"))
        how = ", in place of the comments `example` and what they mark" if marked else ""
        raise UserError(f"the model card is empty under {', '.join(empty)}: write it in {NOTES}{how}")


def render(run: RunRecord) -> str:
    """Return the card of a run as Markdown."""
    template, further = environment().get_template("model_card.md.j2"), notes()
    return template.render(
        run=run,
        metrics=read_json(METRICS),
        slices=read_json(SLICES),
        few_rows=FEW_ROWS,
        notes={heading: further.pop(heading, "") for heading in REQUIRED},
        further=further,
        figures=figures(),
    )


def write(run: RunRecord) -> None:
    """Write the card of a run."""
    text = render(run)
    write_text(text, MARKDOWN)
    write_page(PAGE, model=run.model, card=render_markdown(text))


def main() -> None:
    """Write the card of the last run, or check it."""
    parser = argparse.ArgumentParser(prog="poe card", description="Write the model card of the last run.")
    parser.add_argument("--check", action="store_true", help="only check that no required section is empty")
    with exit_on_user_error("card"):
        if parser.parse_args().check:
            check()
            print(f"{NOTES}: no required section is empty")
        else:
            write(RunRecord.read())
            print(f"{MARKDOWN} and {PAGE} are written")


if __name__ == "__main__":
    main()
