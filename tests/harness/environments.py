"""Environments of generated projects: installed and compiled once for a set of dependencies, and cloned by hard links."""

import json
import os
import shutil
import tomllib
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from harness.shared import Shared
from harness.template import Project

WARM_UP = Path(__file__).with_name("inside") / "warm_up.py"


def install(project: Project, shared: Shared) -> None:
    """Do what a user does first: make a repository and the environment, and commit.

    Others run `uv sync` in an empty folder: those of test_readme.py and `make demo`.
    """
    made = partial(build, project, shared.root / "bytecode")
    base = shared(made, "environment", dependencies(project))
    shutil.copytree(base / ".venv", project.path / ".venv", symlinks=True, copy_function=link)
    shutil.copy(base / "uv.lock", project.path)
    project.run("git", "init", "--quiet")
    project.run("uv", "sync", "--quiet", "--locked")  # nothing but the project itself is installed
    project.commit("Start from copier-mlops")


def dependencies(project: Project) -> str:
    """Return all that an environment and its lock depend on."""
    settings: dict[str, Any] = tomllib.loads(project.text("pyproject.toml"))
    metadata = {name: settings["project"][name] for name in ("name", "version", "requires-python", "dependencies")}
    tables = [metadata, settings["dependency-groups"], settings["build-system"], settings["tool"]["uv"]]
    return json.dumps(tables)


def build(project: Project, bytecode: Path, folder: Path) -> Path:
    """Make an environment that can be cloned, with the bytecode of what is imported in it, and return its folder.

    Args:
        project: whose environment it is.
        bytecode: that of all environments, by the paths below `site-packages`. Files have the times of uv's cache, so Python
            takes it where another environment has the same version, and replaces it elsewhere.
        folder: for a copy of the project.
    """
    made = Project(shutil.copytree(project.path, folder / "project"), project.answers)
    made.run("uv", "venv", "--quiet", "--relocatable")
    made.run("uv", "sync", "--quiet")
    (packages,) = made.path.glob(".venv/lib/python*/site-packages")
    for path in bytecode.rglob("*.pyc"):
        if (package := packages / path.parent.parent.relative_to(bytecode)).is_dir():
            put(path, package / "__pycache__" / path.name)
    made.run(".venv/bin/python", WARM_UP)
    for path in packages.rglob("__pycache__/*.pyc"):
        put(path, bytecode / path.relative_to(packages))
    return made.path


def put(source: Path, target: Path) -> None:
    """Make a hard link in place of what is there, which another worker may read or replace meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}")
    link(str(source), str(temporary))
    temporary.replace(target)
    temporary.unlink(missing_ok=True)  # it is still there if both were the same file


def link(source: str, target: str) -> None:
    """Make a hard link, or a copy on a file system without them."""
    with suppress(OSError):
        os.link(source, target, follow_symlinks=False)
        return
    shutil.copy2(source, target)
