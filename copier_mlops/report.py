"""What an update did, as the text of a pull request in Markdown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from copier_mlops.lift import Outcome

LINES, WIDTH = 40, 300  # of the output of a check that failed
CODES_OF_TERMINALS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DECLINE = "To decline it, close this pull request: only a newer version opens another one."
NEW_ANSWERS = "Questions that are new, with their defaults: `uv run poe level --data QUESTION=ANSWER` changes one."
SHOW = "Changed in the template, and never by an update: `uv run poe level --show FILE` prints the difference."
TAKE = "`uv run poe level --take FILE` brings one back."
KEPT = "The template has dropped these, but you edited them. Delete what you do not need."
FOREIGN = "These were in this repository before it was adopted. The template has them as well; yours stay as they are."
OWN_TOKEN = (
    "A pull request that a workflow opens with its own token starts no other workflow: close and reopen it to run CI, or set"
    " `UPDATE_TOKEN` as `docs/levels/0.md` describes."
)


@dataclass(frozen=True)
class Check:
    """A command that was run on the updated project, whether it passed, and what it printed."""

    command: str
    passed: bool
    output: str


def title(outcome: Outcome) -> str:
    """Return the title of the pull request."""
    before, after = outcome.before["_commit"], outcome.answers["_commit"]
    number = len(outcome.merged.conflicts)
    conflicts = f": {number} {'file' if number == 1 else 'files'} in conflict" if number else ""
    return f"Update the template from {before} to {after}{conflicts}"


def text(outcome: Outcome, checks: list[Check], base: str, branch: str) -> str:
    """Return the text of the pull request from `branch` to `base`.

    Args:
        outcome: how the update changed the project.
        checks: those that were run; none are if there are conflicts.
        base: the branch that was updated.
        branch: the branch with the update.
    """
    merged, answers, before = outcome.merged, outcome.answers, outcome.before
    parts = [
        f"Version `{answers['_commit']}` of the template; this repository has `{before['_commit']}`. {DECLINE}",
        *(_conflicts(merged.conflicts, base, branch) if merged.conflicts else _checks(checks)),
        *_section("New files", merged.new),
        *_section("Changed files", [path for path in merged.changed if path != before["_answers_file"]]),
        *_section("Deleted files", merged.gone, "The template has dropped these, and you had not edited them."),
        *_section("New answers", [name for name in answers if name not in before], NEW_ANSWERS),
        *_section("Did not arrive: yours", outcome.newer_seeds, SHOW),
        *_section("Did not arrive: not in this repository", outcome.missing, TAKE),
        *_section("Did not arrive: yours from before", merged.foreign, FOREIGN),
        *_section("Kept", merged.kept, KEPT),
        *_section("Ignored by Git", outcome.ignored, "These are new and committed, although `.gitignore` names them."),
        OWN_TOKEN,
    ]
    return "\n\n".join(parts) + "\n"


def _section(heading: str, names: Iterable[str], about: str = "") -> list[str]:
    """Return the paragraphs about some files or answers; none if there are none."""
    listed = "\n".join(f"- `{name}`" for name in sorted(names))
    return [part for part in (f"## {heading}", about, listed) if part] if listed else []


def _conflicts(names: list[str], base: str, branch: str) -> list[str]:
    """Return the paragraphs about conflicts: where, and how they are resolved."""
    about = "Your edits and the template's changes meet in these files, which have both sides between markers: a draft."
    steps = f"""\
1. `git fetch && git switch {branch}`
2. Between `<<<<<<<` and `=======` are your lines, between `=======` and `>>>>>>>` the template's. Write what holds, and \
delete the markers. `git checkout origin/{base} -- FILE` takes your version of a whole file.
3. `uv sync`, `uv run poe lint`, `uv run poe test`: none was run on this update.
4. Commit, push, and mark this pull request as ready. No later run changes a branch with commits of yours."""
    return [*_section("Conflicts", names, about), steps]


def _checks(checks: list[Check]) -> list[str]:
    """Return the paragraphs about what was run on the result."""
    rows = [f"| `{check.command}` | {'passed' if check.passed else '**failed**'} |" for check in checks]
    table = "\n".join(("| command | result |", "| --- | --- |", *rows))
    return ["## Checks", table, *(_output(check) for check in checks if not check.passed)]


def _output(check: Check) -> str:
    """Return the end of what a check printed, folded."""
    lines = CODES_OF_TERMINALS.sub("", check.output).splitlines()[-LINES:]
    shown = "\n".join(line[:WIDTH] for line in lines)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", shown))])
    summary = f"<details><summary>The last lines of <code>{check.command}</code></summary>"
    return f"{summary}\n\n{fence}text\n{shown}\n{fence}\n\n</details>"
