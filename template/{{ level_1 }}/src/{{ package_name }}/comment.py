# Managed by copier-mlops: an update merges with your edits.
"""What a pull request is told of its model: the gate, metrics before and after, and the model card."""

import argparse
import os
import subprocess
from pathlib import Path

from . import card, files
from .config import load, load_params
from .errors import UserError, reported
from .gate import shortfalls
from .lineage import git, lineage
from .pages import without_front_matter
from .tracking import CONFIGURATION, Tracking

PAGE = files.REPORTS / "pull_request.md"
MARK = "<!-- CI writes this anew after each push. -->"  # by its first line, the comment is found again
LONGEST = 65_000  # characters; GitHub takes a few more


def write(base: str) -> None:
    """Write the comment, and add it to the summary of a run on GitHub."""
    params, model = load_params(), files.read_model()
    train, test = files.read_table(files.TRAIN), files.read_table(files.TEST)
    missed = shortfalls(files.read_json(files.METRICS), params.gate)
    run = {
        **load(CONFIGURATION, Tracking).model_dump(exclude_none=True),
        "version": "not registered: trained to look at",
        "run_id": None,
        "shortfalls": missed,
        "parameters": params.model_dump(mode="json"),
        **card.describe(model, train, test),
        **lineage(files.RAW, files.MODEL),
    }
    text = page(missed, card.gaps(), compared(base), card.render(run))
    with files.replacing(PAGE) as partial:
        partial.write_text(text, encoding="utf-8")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)


def page(missed: list[str], gaps: list[str], metrics: str, model_card: str) -> str:
    """Return the comment as Markdown; of a card that is too long for it, the beginning."""
    lines = [f"- Not good enough: {line}" for line in missed] or ["- The model passes the gate"]
    if gaps:
        lines.append(f"- The model card says nothing under {', '.join(gaps)}")
    start = "\n".join([MARK, "## The model of this change", "", *lines, "", metrics, "", "<details>"])
    start += "\n<summary>Model card</summary>\n\n"
    end = "\n</details>\n"
    return start + shortened(without_figures(model_card), LONGEST - len(start) - len(end)) + end


def shortened(text: str, longest: int) -> str:
    """Return as many whole lines of a text as there is room for, and say so if some are missing."""
    if len(text) <= longest:
        return text
    note = "\n*Cut off here: a comment holds no more.*\n"
    return text[: longest - len(note)].rpartition("\n")[0] + note


def without_figures(model_card: str) -> str:
    """Return a model card as a comment can show it: its figures are files, which a comment has not."""
    lines = without_front_matter(model_card).strip().split("\n")
    return "\n".join(line for line in lines if not line.startswith("!["))


def compared(base: str) -> str:
    """Return the metrics of a commit and those of now, as DVC sets them side by side.

    Raises:
        UserError: DVC cannot tell.
    """
    if not git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"):
        return f"There is no commit {base} to compare with."
    command = ["dvc", "metrics", "diff", "--all", "--md", base]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`{' '.join(command)}`: {done.stderr.strip()}")
    return f"Metrics, compared with {base}:\n\n{done.stdout.strip()}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="poe ci-comment", description=__doc__)
    parser.add_argument(
        "--base", default="HEAD~1", help="commit to compare with; the default is what a merge goes into"
    )
    with reported("ci-comment"):
        write(parser.parse_args().base)
    print(f"{PAGE} says what a pull request is told")
