"""Lifting a project as its owners do, and telling what that did to it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from copier import VcsRef, run_update

from harness.template import ANSWERS_FILE, Project, git, is_seed, levels, options

NOW, LATER, MUCH_LATER = "v999.0.0", "v999.1.0", "v999.2.0"  # the working tree, and versions after it
NEWEST = None  # so Copier takes the newest version that there is

raises = list(combinations(levels(), 2))
moves = list(permutations(levels(), 2))


def kinds() -> list[dict[str, Any]]:
    """Return the default answers, and the first other one to each question: it adds files, if any answer does."""
    return [{}, {name: values[1] for name, values in options().items() if name != "maturity_level"}]


@dataclass(frozen=True)
class Lifted:
    """What a lift left behind."""

    conflicts: list[str]
    status: str


def repository(project: Project, folder: Path) -> Project:
    """Return a copy of a rendered project as a Git repository with one commit."""
    copied = Project(shutil.copytree(project.path, folder), project.answers)
    git("init", "--quiet", folder=copied.path)
    commit(copied, "Start from copier-mlops")
    return copied


def commit(project: Project, subject: str) -> None:
    """Commit all changes, if there are any."""
    git("add", "--all", folder=project.path)
    git("commit", "--quiet", "--allow-empty", "--message", subject, folder=project.path)


def lift(
    project: Project, level: int | None = None, *, version: str | VcsRef | None = VcsRef.CURRENT, **data: Any
) -> Lifted:
    """Update a clean project as `copier update` does, with the given answers; commit nothing."""
    if level is not None:
        data["maturity_level"] = level
    run_update(
        project.path,
        data={**data, "fail_on_conflict": False},
        vcs_ref=version,
        defaults=True,
        overwrite=True,
        unsafe=True,
        quiet=True,
    )
    conflicts = git("diff", "--name-only", "--diff-filter=U", "--relative", folder=project.path).splitlines()
    return Lifted(sorted(set(conflicts)), git("status", "--porcelain", folder=project.path))


def level_of(project: Project) -> int:
    """Return the level that the project is at."""
    return yaml.safe_load(project.text(ANSWERS_FILE))["applied_level"]


def tree(project: Project) -> dict[str, bytes]:
    """Return content by path of all files of a project."""
    return {path: (project.path / path).read_bytes() for path in project.files()}


def difference(found: dict[str, bytes], expected: dict[str, bytes]) -> str:
    """Return a line for each file that differs between two trees; empty if they are equal."""
    lines = [f"only in the lifted project: {path}" for path in sorted(found.keys() - expected.keys())]
    lines += [f"missing in the lifted project: {path}" for path in sorted(expected.keys() - found.keys())]
    lines += [f"differs: {path}" for path in sorted(found.keys() & expected.keys()) if found[path] != expected[path]]
    return "\n".join(lines)


def merged(mine: bytes, base: bytes, theirs: bytes, *options: str) -> tuple[bytes, bool]:
    """Return a merge of three versions of a file, and whether there is a conflict in it."""
    with TemporaryDirectory() as name:
        paths = [Path(name, side) for side in ("mine", "base", "theirs")]
        for path, content in zip(paths, (mine, base, theirs), strict=True):
            path.write_bytes(content)
        done = subprocess.run(["git", "merge-file", "--stdout", *options, *paths], capture_output=True, check=False)
    assert done.returncode < 128, done.stderr
    return done.stdout, done.returncode > 0


def expected(
    mine: dict[str, bytes], base: dict[str, bytes], theirs: dict[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """Return what a lift must make of a project, and the files in which edits meet: told without Copier, file by file.

    `base` and `theirs` are fresh renders of what the project was made from and of what it is lifted to.
    """
    files, conflicts = {}, []
    for path in mine.keys() | theirs.keys():
        if path not in theirs:  # the team's own, a file of a level that goes, or a seed of it, which stays
            found = mine[path] if path not in base or is_seed(path) else None
        elif path not in base and path not in mine:
            found = theirs[path]
        elif path in base and (path not in mine or is_seed(path)):  # it was deleted, or is the team's
            found = mine.get(path)
        elif mine[path] == base.get(path):
            found = theirs[path]
        else:
            found, meets = merged(mine[path], base.get(path, b""), theirs[path])
            conflicts += [path] * meets
        if found is not None:
            files[path] = found
    return files, sorted(conflicts)


def run_level(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `poe level` with the tests' own Copier, so that nothing needs to be installed."""
    command = [sys.executable, "tools/level.py", *arguments]
    return subprocess.run(
        command, cwd=project.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
