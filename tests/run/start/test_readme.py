"""What the README of this repository tells people to type."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.projects import bash_blocks, is_better_than_baseline
from harness.template import ROOT, Project, clean_environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = {section.partition("\n")[0]: section for section in re.split(r"^## ", README, flags=re.MULTILINE)}


def script(section: str) -> str:
    """Return all that a section tells to type."""
    return "\n".join(bash_blocks(SECTIONS[section]))


@pytest.fixture
def type_in(template: Path) -> Callable[[str, Path], str]:
    """Type commands into a shell, with the working tree for the repository and Enter for each question."""

    def type_in(commands: str, folder: Path) -> str:
        here = commands.replace("gh:copier-mlops/copier-mlops", str(template)).replace(" copy ", " copy --defaults ")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return type_in


def test_every_command_of_the_readme_is_run_by_a_test_below():
    assert [name for name, section in SECTIONS.items() if bash_blocks(section)] == ["Start a project", "Lift it"]


def test_start(type_in, tmp_path):
    type_in(script("Start a project"), tmp_path)
    project = Project(tmp_path / "my-project", {"problem_type": "classification"})
    assert is_better_than_baseline(project)
    assert (project.path / "reports/index.html").exists()


def test_lift(type_in, install):
    project = install(maturity_level=0)
    printed = type_in(script("Lift it"), project.path)
    assert "dvc.yaml" in printed
    assert (project.path / "dvc.yaml").exists()
