# Managed by copier-mlops: an update merges with your edits.
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.19.1,<10", "copier-template-extensions>=0.3.4,<0.4"]
# ///
"""Lift this repository to another level, or take a newer version of its template, and keep all edits.

The update first runs on a clone of the repository: that shows what will come, and what fails there changes nothing here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from copier import VcsRef, run_update
from copier.errors import CopierError
from plumbum import local

ANSWERS = ".copier-answers.yml"
LEVELS = Path(__file__).with_name("levels.toml")
UNDO = "git reset --hard && git clean -fd"
# With other values of these, Copier loses edits or conflicts without a word, or cannot read the name of a file.
GIT_SETTINGS = {
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",
    "core.quotePath": "true",
    "status.showUntrackedFiles": "normal",
}
# Lines around an edit that must be there as they were, or the file is merged: with fewer, an edit can fit a look-alike.
WHOLE_FILE = 1_000_000


class LevelError(Exception):
    """Says in a line or a few what is in the way and what to do."""


@dataclass(frozen=True)
class Request:
    """What to update to."""

    data: dict[str, Any]
    newest: bool
    ask: bool


@dataclass(frozen=True)
class Outcome:
    """What an update made of a repository that was clean before: paths relative to the project's folder."""

    new: list[str]
    changed: list[str]
    gone: list[str]
    conflicts: list[str]
    answers: dict[str, Any]

    @property
    def questions(self) -> dict[str, Any]:
        """Return the answers to questions, without the facts that the template records beside them."""
        return {name: answer for name, answer in self.answers.items() if name[0] != "_" and name != "applied_level"}


def overrule_git_settings() -> None:
    """Set what an update relies on for all Git commands that this process starts."""
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    variables = {"GIT_CONFIG_COUNT": str(first + len(GIT_SETTINGS))}
    for number, (name, value) in enumerate(GIT_SETTINGS.items(), start=first):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    os.environ.update(variables)
    local.env.update(variables)  # Copier's own commands have an environment of their own


def git(folder: Path, *arguments: str) -> str:
    """Run Git in `folder` and return its output."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LevelError(done.stderr.strip().removeprefix("fatal: "))
    return done.stdout


def read_answers(folder: Path) -> dict[str, Any]:
    """Return the recorded answers.

    Raises:
        LevelError: there are none, or they are of no use for an update.
    """
    path = folder / ANSWERS
    if not path.exists():
        raise LevelError(f"{ANSWERS} is missing: run this in a folder that was made from the template")
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = str(answers["_src_path"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LevelError(f"{ANSWERS} is damaged: `git log -- {ANSWERS}` finds the last good one") from error
    if source.startswith(".") or (":" not in source and not Path(source).expanduser().is_dir()):
        raise LevelError(
            f"the template is not at {source}: write its absolute path or its URL to _src_path in {ANSWERS}, commit"
        )
    if "_commit" not in answers:
        raise LevelError(
            f"the template was no Git repository when this project was made: write the version or commit that it was to"
            f" _commit in {ANSWERS}, commit"
        )
    return answers


def check_clean(folder: Path) -> None:
    """See that an update can be told from edits, and undone.

    Raises:
        LevelError: there is no Git, the folder is not in it, has no commit, or has uncommitted changes.
    """
    if shutil.which("git") is None:
        raise LevelError("Git is not installed")
    try:
        git(folder, "rev-parse", "--verify", "HEAD")
        dirty = git(folder, "status", "--porcelain", "--", ":/")
    except LevelError as error:
        raise LevelError(
            f"the repository has no commit yet: `git init`, `git add .`, `git commit`, then again. Git says: {error}"
        ) from error
    if dirty:
        raise LevelError(f"commit or stash these first, so that the update can be told from them:\n{dirty.rstrip()}")


@contextmanager
def clone_of(folder: Path) -> Iterator[Path]:
    """Yield a throw-away clone of the project, also where it is a folder of a larger repository."""
    with tempfile.TemporaryDirectory() as name:
        prefix = git(folder, "rev-parse", "--show-prefix").strip()
        git(folder, "clone", "--quiet", git(folder, "rev-parse", "--show-toplevel").strip(), f"{name}/clone")
        yield Path(name, "clone", prefix)


def update(folder: Path, request: Request) -> None:
    """Update the project in `folder`, which is clean.

    Raises:
        LevelError: the template cannot be had, or does not accept an answer.
    """
    try:
        run_update(
            folder,
            data={**request.data, "fail_on_conflict": False},  # conflicts are told below
            vcs_ref=None if request.newest else VcsRef.CURRENT,
            skip_answered=True,
            context_lines=WHOLE_FILE,
            defaults=not request.ask,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )
    except (CopierError, ValueError, TypeError, OSError, subprocess.SubprocessError) as error:
        raise LevelError(explained(error)) from error


def explained(error: Exception) -> str:
    """Return what a failed update means for the user."""
    text = " ".join(str(error).split())
    if "Unknown revision" in text:
        return f"{text}: the template has lost the version that {ANSWERS} names in _commit. Was it moved, or a tag renamed?"
    if "must be a directory" in text or "not found" in text.lower():
        return f"{text}: was the template moved? Its place is _src_path in {ANSWERS}"
    return text.partition("Validation error for question 'maturity_level': ")[2] or text


def outcome(clone: Path) -> Outcome:
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
        answers=yaml.safe_load((clone / ANSWERS).read_text(encoding="utf-8")),
    )


def show(what: str, paths: list[str]) -> None:
    """Print a list of files, if there are any."""
    if paths:
        print(f"{what}:", *sorted(paths), sep="\n  ")


def is_text(path: Path) -> bool:
    """Tell whether a file is UTF-8: Copier merges nothing else."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def preview(clone: Path, folder: Path, request: Request) -> Outcome:
    """Update the clone, and print and return what that did.

    Raises:
        LevelError: an answer is unknown, a file cannot be merged, or one is in the way.
    """
    before = read_answers(clone)
    update(clone, request)
    coming = outcome(clone)
    if unknown := [name for name in request.data if name not in coming.questions and name != "allow_lowering"]:
        raise LevelError(
            f"there is no question {', '.join(unknown)} at this level; there are {', '.join(coming.questions)}"
        )
    if garbled := [path for path in [*coming.changed, *coming.conflicts] if not is_text(folder / path)]:
        raise LevelError(f"{', '.join(garbled)} is not UTF-8, and the update would damage it: save it as UTF-8, commit")
    known = {path.lower(): path for path in git(clone, "ls-files", "-z", "--", ".").split("\0")}
    if clashes := [known[path.lower()] for path in coming.new if path.lower() in known]:
        raise LevelError(f"{', '.join(clashes)} and a new file differ in case only: rename yours, commit")
    if hidden := [path for path in coming.new if (folder / path).exists()]:
        raise LevelError(f"Git ignores {', '.join(hidden)}, and the update would overwrite that: move it away")
    show("New files", coming.new)
    show("Changed files", [path for path in coming.changed if path != ANSWERS])
    show("Files that go", coming.gone)
    show("Files in which your edits and the template's changes meet", coming.conflicts)
    if coming.answers["_commit"] != before["_commit"]:
        print(f"Version of the template: {before['_commit']} -> {coming.answers['_commit']}")
    show("New answers", [f"{name}: {value}" for name, value in coming.answers.items() if name not in before])
    return coming


def lift(folder: Path, request: Request, *, dry_run: bool, allow_lowering: bool) -> int:
    """Show what the update does, do it unless it is a dry run, and return the exit code."""
    now = read_answers(folder)
    check_clean(folder)
    with clone_of(folder) as clone:
        coming = preview(clone, folder, request)
        if dry_run:
            return 1 if coming.conflicts else 0
        if coming.answers["applied_level"] < now.get("applied_level", 0) and not allow_lowering:
            raise LevelError(
                "nothing is changed: lowering deletes the files above, with your edits. Add --allow-lowering to do it"
            )
        try:
            take_over(clone, folder, request, coming)
        except BaseException:
            subprocess.run(UNDO, shell=True, cwd=folder, check=False)
            raise
    if not any((coming.new, coming.changed, coming.gone, coming.conflicts)):
        print("Nothing to do: the repository is as the template makes it.")
        return 0
    if coming.answers["applied_level"] != now.get("applied_level") and f"tools/{LEVELS.name}" not in coming.conflicts:
        advise(coming.answers["applied_level"])
    if coming.conflicts:
        print("\nFirst, edit the files in which edits meet: between the markers stand yours, then the template's.")
    print(f"\nNow: uv sync, read `git diff`, then git add . && git commit. To undo all instead: {UNDO}")
    return 1 if coming.conflicts else 0


def take_over(clone: Path, folder: Path, request: Request, coming: Outcome) -> None:
    """Bring what the update did to the clone into the project."""
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


def advise(level: int) -> None:
    """Print what the level brought."""
    now = tomllib.loads(LEVELS.read_text(encoding="utf-8"))["levels"][level]
    print(f"\nLevel {level} ({now['name']}): {now['summary']}.\n")
    for capability in now.get("capabilities", []):
        command = f"uv run poe {capability['task']}" if "task" in capability else ""
        print(f"  {command:22} {capability['name']}: {capability['what']}")


def describe(level: int) -> None:
    """Print the levels and where the repository is."""
    for each in tomllib.loads(LEVELS.read_text(encoding="utf-8"))["levels"]:
        mark = "->" if each["number"] == level else "  "
        print(f"{mark} {each['number']} {each['name']}: {each['summary']}" + ("" if each["released"] else " (planned)"))
    print("\n`uv run poe level N` lifts to level N; add --dry-run to see what would come.")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="poe level", description=__doc__)
    parser.add_argument("level", nargs="?", type=int, help="the level to lift to; without it, the levels are listed")
    parser.add_argument("--update", action="store_true", help="take the newest version of the template")
    parser.add_argument("--dry-run", action="store_true", help="only show what would come; exit code 1 if edits meet")
    parser.add_argument("--allow-lowering", action="store_true", help="delete the files of the levels above")
    parser.add_argument("--data", action="append", default=[], metavar="QUESTION=ANSWER", help="answer a question")
    parser.add_argument("--defaults", action="store_true", help="take the default answer to every new question")
    options = parser.parse_args()
    folder = Path.cwd()
    overrule_git_settings()
    data: dict[str, Any] = dict(pair.split("=", 1) for pair in options.data if "=" in pair)
    try:
        if len(data) < len(options.data):
            raise LevelError("--data is written as QUESTION=ANSWER, each question once")
        if options.level is None and not options.update and not data:
            describe(read_answers(folder).get("applied_level", 0))
            return
        if options.level is not None:
            data |= {"maturity_level": options.level, "allow_lowering": True}
        ask = sys.stdin.isatty() and not options.defaults
        request = Request(data, options.update, ask)
        sys.exit(lift(folder, request, dry_run=options.dry_run, allow_lowering=options.allow_lowering))
    except LevelError as error:
        sys.exit(f"poe level: {error}")


if __name__ == "__main__":
    main()
