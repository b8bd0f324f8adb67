"""Git, with the settings that an update relies on."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plumbum import local

from copier_mlops.errors import CommandError

UNDO = "git reset --hard && git clean -fd"
# With other values of these, Copier silently loses edits or conflicts, or cannot read the name of a file.
SETTINGS = {
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",
    "core.quotePath": "true",
    "status.showUntrackedFiles": "normal",
}


def override_settings() -> None:
    """Set what an update relies on for all Git commands that this process starts."""
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    variables = {"GIT_CONFIG_COUNT": str(first + len(SETTINGS))}
    for number, (name, value) in enumerate(SETTINGS.items(), start=first):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    os.environ.update(variables)
    local.env.update(variables)  # Copier's own commands have an environment of their own


def git(folder: Path, *arguments: str) -> str:
    """Run Git in `folder` and return its output.

    Raises:
        CommandError: Git fails.
    """
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(done.stderr.strip().removeprefix("fatal: "))
    return done.stdout


def undo(folder: Path) -> None:
    """Restore the last commit in `folder`, with the command that users run."""
    subprocess.run(UNDO, shell=True, cwd=folder, check=False)


def check_clean(folder: Path) -> None:
    """Check that an update can be distinguished from edits, and undone.

    Raises:
        CommandError: there is no Git, the folder is not in it, has no commit, or has uncommitted changes.
    """
    if shutil.which("git") is None:
        raise CommandError("Git is not installed")
    try:
        git(folder, "rev-parse", "--verify", "HEAD")
        dirty = git(folder, "status", "--porcelain", "--", ":/")
    except CommandError as error:
        raise CommandError(
            f"the repository has no commit yet: `git init -b main`, `git add .`, `git commit`, then again. Git reports: {error}"
        ) from error
    if dirty:
        raise CommandError(
            f"commit or stash these first, so that the update stays separate from them:\n{dirty.rstrip()}"
        )


@contextmanager
def clone_of(folder: Path) -> Iterator[Path]:
    """Yield a throw-away clone of the project, also where it is a folder of a larger repository."""
    with tempfile.TemporaryDirectory() as name:
        prefix = git(folder, "rev-parse", "--show-prefix").strip()
        git(folder, "clone", "--quiet", git(folder, "rev-parse", "--show-toplevel").strip(), f"{name}/clone")
        yield Path(name, "clone", prefix)
