# Managed by copier-mlops: an update merges with your edits.
"""The pull request comment: gate, metrics before and after, and the model card."""

import os
import subprocess
from pathlib import Path

from ..core.errors import UserError
from ..core.io import write_text
from ..core.lineage import git
from ..core.paths import REPORTS
from ..core.run_record import RunRecord
from . import model_card
from .html import without_front_matter

PAGE = REPORTS / "pull_request.md"
MARKER = "<!-- Updated by CI after each push. -->"  # CI finds the comment by its first line
MAX_CHARACTERS = 65_000  # GitHub accepts 65,536


def write(run: RunRecord, base: str) -> None:
    """Write the comment about a run, compared with the commit `base`, and append it to the job summary on GitHub."""
    text = render(run.shortfalls, model_card.empty_sections(), metrics_diff(base), model_card.render(run))
    write_text(text, PAGE)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)


def render(shortfalls: list[str], empty: list[str], metrics: str, card: str) -> str:
    """Return the comment as Markdown; a card that is too long is truncated."""
    lines = [f"- Failed the quality gate: {line}" for line in shortfalls] or ["- The model passed the quality gate"]
    if empty:
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
