"""The commands in the README of this repository, typed into a shell."""

import re

from harness.adoption import FOREIGN
from harness.lifting import difference, tree
from harness.projects import bash_blocks, is_better_than_baseline, registry
from harness.template import ROOT, Project

from copier_mlops.maturity.probes import probes

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = {section.partition("\n")[0]: section for section in re.split(r"^## ", README, flags=re.MULTILINE)}


def script(section: str) -> str:
    """Return all commands of a section."""
    return "\n".join(bash_blocks(SECTIONS[section]))


CHURN = {"problem_type": "classification", "project_slug": "customer-churn", "package_name": "customer_churn"}
FIRST_COMMAND = script("# copier-mlops")


def test_every_command_of_the_readme_is_run_by_a_test_below():
    assert [name for name, section in SECTIONS.items() if bash_blocks(section)] == [
        "# copier-mlops",
        "Start",
        "Raise the level",
        "Adopt a repository",
        "Which level is a repository at?",
    ]


def test_start(type_in, tmp_path):
    type_in(FIRST_COMMAND + script("Start"), tmp_path)
    project = Project(tmp_path / "my-project", CHURN)
    assert is_better_than_baseline(project)
    assert (project.path / "reports/index.html").exists()
    assert registry(project).champion == "1"


def test_copier_alone_makes_the_same_project(type_in, tmp_path):
    (command,) = re.findall(r"`(uvx [^`]* copier copy [^`]*)`", SECTIONS["Start"])
    type_in(command.replace("my-project", "by-copier"), tmp_path)
    type_in(FIRST_COMMAND.replace("my-project", "by-new"), tmp_path)
    trees = [tree(Project(tmp_path / name, {})) for name in ("by-copier", "by-new")]
    assert difference(*trees) == ""


def test_lift(type_in, install):
    project = install(maturity_level=0)
    printed = type_in(script("Raise the level"), project.path)
    assert "dvc.yaml" in printed
    assert (project.path / "dvc.yaml").exists()


def test_adopt(type_in, tmp_path):
    folder = FOREIGN[0].write(tmp_path / "churn")
    printed = type_in(script("Adopt a repository").replace(" adopt ", " adopt --defaults "), folder)
    assert "load.py:5 load_data" in printed


def test_maturity(type_in, render):
    printed = type_in(script("Which level is a repository at?"), render(maturity_level=1).path)
    assert "level 1 Pipeline, " in printed
    assert f"{len(probes())} questions" in SECTIONS["Which level is a repository at?"]
