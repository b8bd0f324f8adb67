"""Environments of generated projects: installed and compiled once for a set of dependencies, and cloned by hard links."""

import json
import os
import shutil
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.shared import Shared
from harness.template import Project

WARM_UP = Path(__file__).with_name("inside") / "warm_up.py"


def install(project: Project, shared: Shared) -> None:
    """Do what a user does first: make a repository and the environment, and commit.

    Others run `uv sync` in an empty folder: those of test_readme.py and `make demo`.
    """
    base = shared(lambda folder: build(project, folder / "project"), "environment", dependencies(project))
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


def build(project: Project, folder: Path) -> Path:
    """Make an environment that can be cloned, with the bytecode of what is imported in it, and return its folder."""
    made = Project(shutil.copytree(project.path, folder), project.answers)
    made.run("uv", "venv", "--quiet", "--relocatable")
    made.run("uv", "sync", "--quiet")
    made.run(".venv/bin/python", WARM_UP)
    return folder


def link(source: str, target: str) -> None:
    """Make a hard link, or a copy on a file system without them."""
    with suppress(OSError):
        os.link(source, target, follow_symlinks=False)
        return
    shutil.copy2(source, target)
