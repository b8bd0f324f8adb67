"""Bring a project to another level or version of the template, and keep all edits.

The update first runs on a clone of the repository: a failure there leaves the project unchanged.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier import VcsRef, run_update

from copier_mlops.answers import ANSWERS, read_answers
from copier_mlops.catalogue import released
from copier_mlops.errors import CommandError, copier_errors
from copier_mlops.git import check_clean, clone_of, git, undo

# Lines of context that must match for a hunk to apply, or the file is merged: with fewer, a hunk can apply to similar lines.
WHOLE_FILE = 1_000_000


@dataclass(frozen=True)
class Request:
    """What to update to."""

    data: dict[str, Any]
    newest: bool
    ask: bool


@dataclass(frozen=True)
class Outcome:
    """How an update changed a clean repository: paths relative to the project's folder."""

    new: list[str]
    changed: list[str]
    gone: list[str]
    conflicts: list[str]
    before: dict[str, Any]
    answers: dict[str, Any]

    @property
    def questions(self) -> dict[str, Any]:
        """Return the answers to questions, without the facts that the template records beside them."""
        return {name: answer for name, answer in self.answers.items() if name[0] != "_" and name != "applied_level"}

    @property
    def is_nothing(self) -> bool:
        """Return whether the update changed nothing."""
        return not any((self.new, self.changed, self.gone, self.conflicts))

    @property
    def changes_level(self) -> bool:
        """Return whether the project reaches another level."""
        return self.answers["applied_level"] != self.before.get("applied_level")


def lift(folder: Path, request: Request, *, dry_run: bool, allow_lowering: bool) -> Outcome:
    """Print the changes of an update, make them unless it is a dry run, and return them.

    Raises:
        CommandError: the update is refused or fails; the project is unchanged.
    """
    read_answers(folder)
    check_clean(folder)
    with clone_of(folder) as clone:
        coming = preview(clone, folder, request)
        if dry_run:
            return coming
        if coming.answers["applied_level"] < coming.before.get("applied_level", 0) and not allow_lowering:
            raise CommandError(
                "nothing was changed: lowering deletes the files above, with your edits. Add --allow-lowering to do it"
            )
        try:
            take_over(clone, folder, request, coming)
        except BaseException:
            undo(folder)
            raise
    return coming


def preview(clone: Path, folder: Path, request: Request) -> Outcome:
    """Update the clone, and print and return the changes.

    Raises:
        CommandError: an answer is unknown, a file cannot be merged, or a file would be overwritten.
    """
    before = read_answers(clone)
    update(clone, request)
    coming = outcome(clone, before)
    if unknown := [name for name in request.data if name not in coming.questions and name != "allow_lowering"]:
        raise CommandError(
            f"there is no question {', '.join(unknown)} at this level; there are {', '.join(coming.questions)}"
        )
    if garbled := [path for path in [*coming.changed, *coming.conflicts] if not is_text(folder / path)]:
        raise CommandError(
            f"{', '.join(garbled)} is not UTF-8, and the update would damage it: save it as UTF-8, commit"
        )
    known = {path.lower(): path for path in git(clone, "ls-files", "-z", "--", ".").split("\0")}
    if clashes := [known[path.lower()] for path in coming.new if path.lower() in known]:
        raise CommandError(f"{', '.join(clashes)} and a new file differ in case only: rename yours, commit")
    if hidden := [path for path in coming.new if (folder / path).exists()]:
        raise CommandError(f"Git ignores {', '.join(hidden)}, and the update would overwrite that: move it away")
    show("New files", coming.new)
    show("Changed files", [path for path in coming.changed if path != ANSWERS])
    show("Deleted files", coming.gone)
    show("Conflicts between your edits and the template's changes", coming.conflicts)
    if coming.answers["_commit"] != before["_commit"]:
        print(f"Version of the template: {before['_commit']} -> {coming.answers['_commit']}")
    show("New answers", [f"{name}: {value}" for name, value in coming.answers.items() if name not in before])
    return coming


def update(folder: Path, request: Request) -> None:
    """Update the project in `folder`, which is clean.

    Raises:
        CommandError: the template cannot be fetched, or does not accept an answer.
    """
    with copier_errors(lambda cause: explained(cause, request)):
        run_update(
            folder,
            data={**request.data, "fail_on_conflict": False},  # the outcome lists conflicts
            vcs_ref=None if request.newest else VcsRef.CURRENT,
            skip_answered=True,
            context_lines=WHOLE_FILE,
            defaults=not request.ask,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )


def explained(cause: str, request: Request) -> str:
    """Return the cause of a failed update with what the user can do."""
    if "Unknown revision" in cause:
        return (
            f"{cause}: the template has lost the version that {ANSWERS} names in _commit. Was a tag moved or renamed, or"
            " was the project made from changes that were never committed?"
        )
    if "must be a directory" in cause or "not found" in cause.lower():
        return f"{cause}: was the template moved? Its place is _src_path in {ANSWERS}"
    refused = cause.partition("'maturity_level': ")[2]
    if refused and not request.newest and request.data.get("maturity_level") in released():
        return f"{refused}: this level is in a newer version of the template; add --update to take that as well"
    return refused or cause


def outcome(clone: Path, before: dict[str, Any]) -> Outcome:
    """Return how the working tree of a clone differs from its commit; the files that Git ignores are new too."""
    listed = git(clone, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--", ".")
    prefix = git(clone, "rev-parse", "--show-prefix").strip()
    entries = [(entry[:2], entry[3:].removeprefix(prefix)) for entry in listed.split("\0") if entry]
    conflicts = [path for state, path in entries if "U" in state or state == "AA"]
    return Outcome(
        new=[path for path in git(clone, "ls-files", "--others", "-z", "--", ".").split("\0") if path],
        changed=[path for state, path in entries if "M" in state and path not in conflicts],
        gone=[path for state, path in entries if "D" in state and path not in conflicts],
        conflicts=conflicts,
        before=before,
        answers=yaml.safe_load((clone / ANSWERS).read_text(encoding="utf-8")),
    )


def show(what: str, lines: list[str]) -> None:
    """Print a list unless it is empty."""
    if lines:
        print(f"{what}:", *sorted(lines), sep="\n  ")


def is_text(path: Path) -> bool:
    """Return whether a file is UTF-8: Copier merges nothing else."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def take_over(clone: Path, folder: Path, request: Request, coming: Outcome) -> None:
    """Apply the changes of the clone to the project."""
    if coming.conflicts:  # Git keeps the sides of a conflict in its index: a copy of the files would lose them
        update(folder, Request({**request.data, **coming.questions}, request.newest, ask=False))
        return
    for path in [*coming.new, *coming.changed]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(clone / path, folder / path, follow_symlinks=False)
    for path in coming.gone:
        (folder / path).unlink()
        with suppress(OSError):  # one of them is not empty
            os.removedirs((folder / path).parent)
