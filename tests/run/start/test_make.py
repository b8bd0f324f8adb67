"""The first command of someone who found this repository, on a machine with nothing but Python, Git and make."""

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from harness.template import ROOT, clean_environment, git, levels


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """Return a fresh clone of the working tree."""
    git("clone", "--quiet", template, tmp_path / "clone", folder=tmp_path)
    return tmp_path / "clone"


@pytest.fixture
def path_without_uv(tool, tmp_path: Path) -> str:
    """Return a PATH on which there is no uv."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "make"):
        (tools / name).symlink_to(tool(name))
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join([str(tools), *(folder for folder in folders if not shutil.which("uv", path=folder))])


def shim(folder: Path, name: str, uses: str, condition: str) -> None:
    """Write what a version manager puts on the PATH for a program: it fails unless the shell's condition holds."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(
        f'#!/bin/sh\n{condition} || {{ echo "pyenv: {name}: command not found" >&2; exit 127; }}\nexec "{uses}" "$@"\n'
    )
    (folder / name).chmod(0o755)


def make(*targets: str, folder: Path, **variables: str) -> CompletedProcess[str]:
    """Run make as from a shell of its own: with no Python chosen, and no outer make."""
    unwanted = {"UV_PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {name: value for name, value in clean_environment().items() if name not in unwanted}
    return subprocess.run(
        ["make", *targets], cwd=folder, env={**kept, **variables}, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_the_targets(clone):
    printed = make(folder=clone).stdout
    assert [line.split()[1] for line in printed.splitlines()] == [
        "help",
        "test",
        "cluster",
        "long",
        "fast",
        "lint",
        "diff",
        "newest",
        "bump",
        "release",
        "wheel",
        "bench",
        "docs",
        "demo",
    ]


def test_demo_needs_no_uv_and_leaves_a_report(clone, path_without_uv):
    done = make("demo", folder=clone, PATH=path_without_uv)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / ".uv" / "bin" / "uv").exists()
    assert "demo/reports/index.html" in done.stdout
    assert (clone / "demo" / "reports" / "index.html").exists()
    assert git("status", "--porcelain", folder=clone) == ""
    assert not (clone / ".venv").exists(), "Copier is all that it needs"
    assert [line[:3] for line in done.stdout.splitlines() if line[1:3] == "/3"] == ["1/3", "2/3", "3/3"]
    assert re.findall(r"^ \+ ", done.stderr, re.MULTILINE) == [], "no list of packages"
    demo = runpy.run_path(str(ROOT / "maintenance/demo.py"))
    _, *recorded = [line for _, line in demo["read"](demo["CAST"].read_text(encoding="utf-8"))]
    printed = demo["kept"](f"{done.stdout}\n{done.stderr}".splitlines())
    assert demo["comparable"](printed) == demo["comparable"](recorded), "record it again: maintenance/demo.py"
    printed = make_hint(clone / "demo", f"{clone}/.uv/bin{os.pathsep}{path_without_uv}")
    assert "environment at" not in printed, "the environment is used as it is"
    assert "challenger" in printed


def make_hint(demo: Path, path: str) -> str:
    """Run a task of the demo in a shell of its own."""
    kept = {name: value for name, value in clean_environment().items() if name != "UV_PYTHON"}
    command = ["uv", "run", "poe", "versions"]
    done = subprocess.run(command, cwd=demo, env={**kept, "PATH": path}, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_uv_of_a_version_manager_that_fails_is_not_used(clone, tmp_path, path_without_uv):
    for name in ("uv", "uvx"):
        shim(tmp_path / "shims", name, uses="/nowhere/uv", condition="false")
    done = make(".uv/bin/uv", ".venv", folder=clone, PATH=f"{tmp_path / 'shims'}{os.pathsep}{path_without_uv}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / ".venv" / "bin" / "pytest").exists()


@pytest.mark.parametrize("level", levels())
def test_uv_that_pyenv_finds_for_its_default_python_only_works_in_a_project(installed, tmp_path, tool, level):
    """`pip install uv` puts it into one Python of pyenv, and a `.python-version` selects another."""
    project = installed(maturity_level=level)
    pinned = 'd=$PWD; while [ "$d" ] && [ ! -f "$d/.python-version" ]; do d=${d%/*}; done; [ -z "$d" ]'
    shim(tmp_path / "shims", "uv", uses=tool("uv"), condition=pinned)
    path = f"{tmp_path / 'shims'}{os.pathsep}{os.environ['PATH']}"
    assert "Level 0: Manual" in project.run("uv", "run", "poe", rc=1, PATH=path).stdout
    (tmp_path / ".python-version").write_text("3.12\n")
    found = subprocess.run([tmp_path / "shims/uv"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.stderr == "pyenv: uv: command not found\n", "the shim does what pyenv does"


def test_demo_never_overwrites_one(clone):
    (clone / "demo").mkdir()
    done = make("demo", folder=clone)
    assert done.returncode != 0
    assert "there is a ./demo already; remove it first" in done.stdout


def test_missing_python_is_reported(clone):
    done = make(".venv", folder=clone, UV_PYTHON="")
    assert done.returncode != 0
    assert "No Python 3.11 to 3.13 with venv was found" in done.stdout
