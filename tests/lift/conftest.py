"""Projects in which people have worked, and newer versions of the template."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from harness.lifting import LATER, MUCH_LATER, NOW, renders, repository
from harness.shared import Shared
from harness.template import Project, git

MANAGED = "Managed by copier-mlops"


@pytest.fixture
def lived_in(render: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Return a committed project of its own at a level, with the given answers and defaults else."""
    numbers = count()

    def lived_in(level: int, **answers: Any) -> Project:
        return repository(render(maturity_level=level, **answers), tmp_path / f"project-{next(numbers)}")

    return lived_in


@pytest.fixture(scope="session")
def versions(template: Path, shared: Shared) -> Path:
    """Return what Copier reads of the template, with two more versions.

    In the first, each managed file has a line more below its first; in the second, all files have one after each fifth.
    """
    return shared(lambda folder: with_two_more_versions(template, folder / "copier-mlops"), "versions")


def with_two_more_versions(template: Path, clone: Path) -> Path:
    """Return a repository with what Copier reads of the template, and two more versions of that."""
    for part in ("template", "extensions", "migrations"):
        shutil.copytree(template / part, clone / part)
    shutil.copy2(template / "copier.yml", clone)
    git("init", "--quiet", folder=clone)
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--message", "The working tree", folder=clone)
    git("tag", NOW, folder=clone)
    files = [path for path in (clone / "template").rglob("*") if path.is_file() and path.parent.name != "template"]
    for version, is_new in ((LATER, below_the_first), (MUCH_LATER, after_each_fifth)):
        for path in files:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(is_new(lines)), encoding="utf-8")
        git("commit", "--all", "--quiet", "--message", f"Version {version}", folder=clone)
        git("tag", version, folder=clone)
    return clone


def below_the_first(lines: list[str]) -> list[str]:
    """Return the lines of a managed file with a new one below the first, and others as they are."""
    return [lines[0], "# New\n", *lines[1:]] if lines and MANAGED in lines[0] else lines


def after_each_fifth(lines: list[str]) -> list[str]:
    """Return the lines with a new one after each fifth."""
    return [
        text
        for number, line in enumerate(lines, start=1)
        for text in ((line, f"# New after {number}\n") if number % 5 == 0 else (line,))
    ]


@pytest.fixture(scope="session")
def render_version(versions: Path, shared: Shared) -> Callable[..., Project]:
    """Return the project that a version of the template makes; rendered once, so leave it as it is."""
    return renders(versions, shared)
