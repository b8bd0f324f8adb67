# Managed by copier-mlops: an update merges with your edits.
"""The model card: what the run measured and what the team says, as Markdown for Hugging Face and as a page."""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files
from .errors import UserError, reported
from .pages import environment, figures, html

if TYPE_CHECKING:
    import pandas as pd

NOTES = Path("docs/model_card_notes.md")
MARKDOWN = files.REPORTS / "model_card.md"
PAGE = files.REPORTS / "model_card.html"
REQUIRED = ["Intended use", "Training data", "Limitations", "Ethical considerations", "Contact"]
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def notes() -> dict[str, str]:
    """Return the team's words by heading.

    Raises:
        UserError: there are no notes.
    """
    if not NOTES.exists():
        raise UserError(f"{NOTES} is missing: write it with the headings {', '.join(REQUIRED)}")
    text = COMMENT.sub("", NOTES.read_text(encoding="utf-8"))
    _, *sections = re.split(r"^## +", text, flags=re.MULTILINE)
    return {heading.strip(): body.strip() for heading, _, body in (section.partition("\n") for section in sections)}


def write() -> None:
    """Write the card of the last run."""
    run = files.read_json(files.REPORTS / "run.json")
    text = render(run)
    page = environment().get_template("model_card.html.j2").render(run=run, card=html(text))
    for content, path in ((text, MARKDOWN), (page, PAGE)):
        with files.replacing(path) as partial:
            partial.write_text(content, encoding="utf-8")


def render(run: dict[str, Any]) -> str:
    """Return the card of a run as Markdown."""
    said = notes()
    return (
        environment()
        .get_template("model_card.md.j2")
        .render(
            run=run,
            metrics=files.read_json(files.METRICS),
            slices=files.read_json(files.SLICES),
            notes={heading: said.pop(heading, "") for heading in REQUIRED},
            further=said,
            figures=figures(),
        )
    )


def describe(model: Any, train: "pd.DataFrame", test: "pd.DataFrame") -> dict[str, Any]:
    """Return what the card says of a model and its data."""
    import pandas as pd

    from .data import TIMESTAMP, features_and_target

    features, _ = features_and_target(train)
    times = pd.concat([train[TIMESTAMP], test[TIMESTAMP]])
    estimator = type(model[-1])
    return {
        "trained": datetime.fromtimestamp(files.MODEL.stat().st_mtime, UTC).date().isoformat(),
        "estimator": estimator.__name__,
        "library": estimator.__module__.partition(".")[0],
        "features": {name: str(kind) for name, kind in features.dtypes.items()},
        "missing": {name: float(share) for name, share in features.isna().mean().items() if share},
        "train_rows": len(train),
        "test_rows": len(test),
        "first_day": times.min().date().isoformat(),
        "last_day": times.max().date().isoformat(),
    }


def gaps() -> list[str]:
    """Return the required sections under which the team has written nothing."""
    said = notes()
    return [heading for heading in REQUIRED if not said.get(heading)]


def check() -> None:
    """See that the team has filled in the card.

    Raises:
        UserError: a required section is empty; names it.
    """
    if empty := gaps():
        raise UserError(f"the model card says nothing under {', '.join(empty)}: write it in {NOTES}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the model card of the last run.")
    parser.add_argument("--check", action="store_true", help="only see that no required section is empty")
    with reported("card"):
        check() if parser.parse_args().check else write()
