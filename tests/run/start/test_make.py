"""The first command of someone who found this repository, on a machine with nothing but Python, Git and make."""

import os
import shutil
import subprocess
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from harness.template import clean_environment, git


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
        "long",
        "fast",
        "lint",
        "bench",
        "demo",
    ]


def test_demo_needs_no_uv_and_leaves_a_report(clone, path_without_uv):
    done = make("demo", folder=clone, PATH=path_without_uv)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / ".uv" / "bin" / "uv").exists()
    assert "demo/reports/index.html" in done.stdout
    assert (clone / "demo" / "reports" / "index.html").exists()
    assert git("status", "--porcelain", folder=clone) == ""


def test_demo_never_overwrites_one(clone):
    (clone / "demo").mkdir()
    done = make("demo", folder=clone)
    assert done.returncode != 0
    assert "there is a ./demo already; remove it first" in done.stdout


def test_machine_without_a_fitting_python_is_told_so(clone, tmp_path):
    done = make(".venv", folder=clone, UV_PYTHON="")
    assert done.returncode != 0
    assert "No Python 3.11 to 3.13 with venv was found" in done.stdout
