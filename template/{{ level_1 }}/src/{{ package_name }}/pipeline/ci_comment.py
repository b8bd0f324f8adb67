# Managed by copier-mlops: an update merges with your edits.
"""Writes the pull request comment: gate, metrics before and after, and the model card of the model that was trained last."""

import argparse
import os
import subprocess
from pathlib import Path

from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_json, read_model, read_table, write_text
from ..core.lineage import git
from ..core.paths import METRICS, REPORTS, TEST, TRAIN
from ..registry.client import Tracking
from ..reporting import model_card
from ..reporting.html import without_front_matter
from .describe import describe_run
from .gate import shortfalls
from .params import load_params

PAGE = REPORTS / "pull_request.md"
MARKER = "<!-- Updated by CI after each push. -->"  # CI finds the comment by its first line
MAX_CHARACTERS = 65_000  # GitHub accepts 65,536


def render(shortfalls: list[str], metrics: str, card: str) -> str:
    """Return the comment as Markdown; a card that is too long is truncated."""
    lines = [f"- Failed the quality gate: {line}" for line in shortfalls] or ["- The model passed the quality gate"]
    if empty := model_card.empty_sections():
        lines.append(f"- The model card is empty under {', '.join(empty)}")
    start = "\n".join([MARKER, "## The model of this change", "", *lines, "", metrics, "", "<details>"])
    start += "\n<summary>Model card</summary>\n\n"
    end = "\n</details>\n"
    return start + truncated(without_figures(card), MAX_CHARACTERS - len(start) - len(end)) + end


def truncated(text: str, limit: int) -> str:
    """Return the whole lines of a text that fit into `limit` characters, with a note if some are missing."""
    if len(text) <= limit:
        return text
    note = "\n*Truncated to the maximum length of a comment.*\n"
    return text[: limit - len(note)].rpartition("\n")[0] + note


def without_figures(card: str) -> str:
    """Return a model card without front matter and figures: a comment cannot show local files."""
    lines = without_front_matter(card).strip().split("\n")
    return "\n".join(line for line in lines if not line.startswith("!["))


def metrics_diff(base: str) -> str:
    """Return the metrics at a commit and now, side by side.

    Raises:
        UserError: DVC fails.
    """
    if not git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"):
        return f"There is no commit {base} to compare with."
    command = ["dvc", "metrics", "diff", "--all", "--md", base]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UserError(f"`{' '.join(command)}`: {done.stderr.strip()}")
    return f"Metrics, compared with {base}:\n\n{done.stdout.strip()}"


def main() -> None:
    """Write `reports/pull_request.md`, and append it to the summary of a job on GitHub."""
    parser = argparse.ArgumentParser(prog="poe ci-comment", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="commit to compare with; default: what a merge goes into")
    base = parser.parse_args().base
    with exit_on_user_error("ci-comment"):
        params = load_params()
        missed = shortfalls(read_json(METRICS), params.gate)
        run = describe_run(Tracking.load(), params, read_model(), read_table(TRAIN), read_table(TEST), missed)
        text = render(missed, metrics_diff(base), model_card.render(run))
        write_text(text, PAGE)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    print(f"{PAGE} holds the comment")


if __name__ == "__main__":
    main()
