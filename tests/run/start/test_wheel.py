"""The command from its wheel, installed into an empty environment, without this repository on any path."""

import json
import os
import subprocess
import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from zipfile import ZipFile

import pytest
from harness.adoption import CSV, MODEL, READ
from harness.template import ROOT, clean_environment, git

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def run(*command: str | Path, folder: Path, rc: int = 0, **variables: str) -> CompletedProcess[str]:
    """Run a program without what this process has set for Python."""
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env={**environment, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == rc, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which `make wheel` has built the wheel, in a clone of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    git("clone", "--quiet", template, folder / "clone", folder=folder)
    run("make", "wheel", f"VERSION={VERSION}", folder=folder / "clone")
    return folder / "clone" / "dist"


@pytest.fixture(scope="module")
def command(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CompletedProcess[str]]:
    """Install the wheel as a tool, and return a function that runs it."""
    folder = tmp_path_factory.mktemp("tool")
    (wheel,) = built.glob("*.whl")
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run("uv", "tool", "install", "--quiet", wheel, folder=folder, **places)
    program = Path(places["UV_TOOL_BIN_DIR"], "copier-mlops")
    return lambda *arguments, folder, rc=0: run(program, *arguments, folder=folder, rc=rc)


def test_wheel_has_the_command_and_its_catalogue_and_is_the_same_when_it_is_built_again(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"copier_mlops-{VERSION}-py3-none-any.whl"
    names = ZipFile(wheel).namelist()
    assert "copier_mlops/catalogue.toml" in names
    assert {name.partition("/")[0] for name in names} == {"copier_mlops", f"copier_mlops-{VERSION}.dist-info"}
    first = sha256(wheel.read_bytes()).hexdigest()
    run("make", "wheel", folder=built.parent)
    assert sha256(wheel.read_bytes()).hexdigest() == first


def test_notes_are_those_of_the_changelog_and_the_version_has_to_be_that_of_the_package(built):
    notes = (built / "notes.md").read_text(encoding="utf-8").strip()
    assert notes
    assert notes in (built.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version {VERSION}" in run("make", "wheel", "VERSION=99.0.0", folder=built.parent, rc=2).stderr


def test_bill_of_materials_names_what_is_installed(built, tmp_path):
    materials = json.loads((built / "sbom.cdx.json").read_text(encoding="utf-8"))
    listed = {each["name"]: each for each in materials["components"]}
    assert all(one["hashes"] for each in listed.values() for one in each["externalReferences"])
    (wheel,) = built.glob("*.whl")
    run("uv", "venv", "--quiet", tmp_path / "empty", folder=tmp_path)
    run("uv", "pip", "install", "--quiet", "--python", tmp_path / "empty", wheel, folder=tmp_path)
    frozen = run("uv", "pip", "list", "--format", "json", "--python", tmp_path / "empty", folder=tmp_path).stdout
    assert {each["name"] for each in json.loads(frozen)} - {"copier-mlops"} <= listed.keys()


def test_command_prints_its_version(command, tmp_path):
    assert command("--version", folder=tmp_path).stdout == f"copier-mlops {VERSION}\n"


def test_new_level_and_maturity_from_the_wheel(command, template, tmp_path):
    command("new", "my-project", "--level", "0", "--defaults", "--template", str(template), folder=tmp_path)
    project = tmp_path / "my-project"
    git("init", "--quiet", folder=project)
    git("add", ".", folder=project)
    git("commit", "--quiet", "--message", "Start", folder=project)
    assert "level 0 Manual, 5 of 42 wired" in command("maturity", ".", folder=project).stdout
    command("level", "1", folder=project)
    assert (project / "dvc.yaml").exists()


def test_adopt_from_the_wheel(command, template, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "train.py").write_text(
        READ.format(name="read", path="data/customers.csv") + "\n\n" + MODEL, encoding="utf-8"
    )
    git("init", "--quiet", folder=tmp_path)
    git("add", ".", folder=tmp_path)
    git("commit", "--quiet", "--message", "Ours", folder=tmp_path)
    printed = command("adopt", ".", "--level", "0", "--defaults", "--template", str(template), folder=tmp_path).stdout
    assert "train.py" in printed
    assert (tmp_path / "docs" / "adopted.md").exists()


def test_without_a_template_the_command_names_what_is_missing(command, tmp_path):
    assert "add --template" in command("new", "my-project", "--defaults", folder=tmp_path, rc=1).stderr
    assert os.listdir(tmp_path) == []
