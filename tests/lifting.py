"""Lifting a project as its owners do, and telling what that did to it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import yaml
from copier import VcsRef, run_update
from support import ANSWERS_FILE, Project, git, levels

raises = list(combinations(levels(), 2))
moves = list(permutations(levels(), 2))


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


def lift(project: Project, level: int | None = None, *, newest: bool = False, **data: Any) -> Lifted:
    """Update a clean project as `copier update` does, with the given answers; commit nothing."""
    if level is not None:
        data["maturity_level"] = level
    run_update(
        project.path,
        data={**data, "fail_on_conflict": False},
        vcs_ref=None if newest else VcsRef.CURRENT,
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


def run_level(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `poe level` with the tests' own Copier, so that nothing needs to be installed."""
    command = [sys.executable, "tools/level.py", *arguments]
    return subprocess.run(
        command, cwd=project.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
