"""Git: in the project with its user's settings, in clones of our own with none."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from copier_mlops.errors import CommandError

UNDO = "git reset --hard && git clean -fd"
UNFINISHED = "copier-mlops-update"  # in Git's folder while an update changes files
LOCK = ":(exclude,top,glob)**/uv.lock"  # `uv run` may write it first, and no update touches it
# A user's settings change which files Git lists, how it converts them and how it merges.
WITHOUT_SETTINGS = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",  # the project may belong to another user
    "GIT_CONFIG_VALUE_0": "*",
    **{f"GIT_{role}_{part}": "copier-mlops" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run Git in `folder` with the user's settings and return its output.

    Raises:
        CommandError: Git fails.
    """
    return _run(folder, ["-c", "color.ui=false", *arguments], dict(os.environ), stdin)


def plain_git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Git in a clone of our own, without the user's settings, and return its output.

    Raises:
        CommandError: Git fails.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return _run(folder, arguments, others | WITHOUT_SETTINGS | variables)


def _run(folder: Path, arguments: Iterable[str], environment: dict[str, str], stdin: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin or b"", capture_output=True, env=environment, check=False
    )
    if done.returncode:
        raise CommandError(os.fsdecode(done.stderr or done.stdout).strip().removeprefix("fatal: "))
    return os.fsdecode(done.stdout)


def paths(listed: str) -> list[str]:
    """Return the paths that Git listed with `-z`."""
    return [path for path in listed.split("\0") if path]


def undo(folder: Path) -> None:
    """Restore the last commit in `folder`, with the command that users run."""
    done = subprocess.run(UNDO, shell=True, cwd=folder, capture_output=True, check=False)
    if done.returncode:  # for example, because the disk is still full
        print(f"The update is incomplete, and could not be undone. Later: {UNDO}", file=sys.stderr)


def check_clean(folder: Path) -> None:
    """Check that an update can be distinguished from edits, and undone.

    Raises:
        CommandError: there is no Git, the folder is not in it, has no commit, or has uncommitted changes.
    """
    if shutil.which("git") is None:
        raise CommandError("Git is not installed")
    try:
        git(folder, "rev-parse", "--verify", "HEAD")
        dirty = git(folder, "status", "--porcelain", "--untracked-files=normal", "--", ":/", LOCK)
    except CommandError as error:
        if "dubious ownership" in str(error):
            raise CommandError(f"Git does not trust this folder, which belongs to another user: {error}") from error
        raise CommandError(
            f"the repository has no commit yet: `git init -b main`, `git add .`, `git commit`, then again."
            f" Git reports: {error}"
        ) from error
    if dirty:
        if unfinished(folder).exists():
            raise CommandError(f"an update was interrupted and is incomplete. Undo it: {UNDO}")
        raise CommandError(
            f"commit or stash these first, so that the update stays separate from them:\n{dirty.rstrip()}"
        )


def unfinished(folder: Path) -> Path:
    """Return the file that exists while an update changes files, and after one that was killed."""
    return folder / git(folder, "rev-parse", "--git-path", UNFINISHED).rstrip("\n")


@contextmanager
def whole_or_nothing(folder: Path) -> Iterator[None]:
    """Restore the last commit if the changes that are made meanwhile fail; a process that is killed leaves a mark."""
    mark = unfinished(folder)
    mark.touch()
    try:
        yield
    except BaseException:
        undo(folder)
        raise
    finally:
        mark.unlink()


@contextmanager
def clone_of(folder: Path) -> Iterator[Path]:
    """Yield a throw-away clone of the project, also where it is a folder of a larger repository."""
    with tempfile.TemporaryDirectory() as name:
        prefix = git(folder, "rev-parse", "--show-prefix").strip()
        whole = git(folder, "rev-parse", "--show-toplevel").strip()
        plain_git(Path(name), "clone", "--quiet", "--template=", whole, "clone")
        yield Path(name, "clone", prefix)
