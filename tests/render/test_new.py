"""`copier-mlops new`: makes what Copier makes, from the template that the tool came with."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.lifting import difference, tree
from harness.template import ROOT, Project, git, levels

from copier_mlops.cli import main
from copier_mlops.errors import CommandError
from copier_mlops.source import source_of, template_source


def new(*arguments: str | Path) -> Any:
    """Run the command and return what it exits with: 0 or a message."""
    with pytest.raises(SystemExit) as ended:
        main(["new", "--defaults", *map(str, arguments)])
    return ended.value.code


@pytest.mark.parametrize("level", levels())
def test_project_is_the_one_that_copier_makes(template, render, tmp_path, level):
    assert new(tmp_path / "project", "--template", template, "--level", str(level)) == 0
    assert difference(tree(Project(tmp_path / "project", {})), tree(render(maturity_level=level))) == ""


def test_answers_and_version_are_passed_on(template, tmp_path, capfd):
    folder = tmp_path / "project"
    assert new(folder, "--template", template, "--data", "project_name=Loyalty", "--vcs-ref", "v999.0.0") == 0
    recorded = (folder / ".copier-answers.yml").read_text()
    assert "project_name: Loyalty\n" in recorded
    assert "_commit: v999.0.0\n" in recorded
    printed = capfd.readouterr().err
    assert "Loyalty is ready at level 1" in printed
    assert "src" not in printed, "files and folders are listed for people only"


def test_empty_repository_is_filled(template, tmp_path):
    git("init", "--quiet", folder=tmp_path)
    assert new(tmp_path, "--template", template, "--level", "0") == 0
    assert (tmp_path / "pyproject.toml").exists()


def test_folder_that_is_in_use_is_left_alone(template, tmp_path):
    (tmp_path / "README.md").write_text("Ours\n")
    assert new(tmp_path, "--template", template) == f"copier-mlops: {tmp_path} is not an empty folder: choose another"
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--level", "7"], "7 is not in [0, 1"),
        (["--vcs-ref", "v0.0.0"], "Unknown revision: 'v0.0.0'"),
        (["--template", "/nowhere"], "Local template must be a directory"),
        (["--template", "https://127.0.0.1:9/copier-mlops.git"], "fatal: unable to access 'https://127.0.0.1:9/"),
        (
            ["--data", "projct_name=Loyalty"],
            "there is no question projct_name; there are project_name, maturity_level, ",
        ),
        (["--data", "project_name"], "--data is written as QUESTION=ANSWER"),
    ],
)
def test_what_is_in_the_way_is_one_line(template, tmp_path, arguments, cause):
    message = new(tmp_path / "project", "--template", template, *arguments)
    assert message.startswith("copier-mlops: ")
    assert cause in message
    assert "\n" not in message
    assert not (tmp_path / "project").exists()


def test_template_is_the_folder_that_the_tool_was_installed_from():
    assert template_source() == str(ROOT)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"url": "file:///srv/the%20template", "dir_info": {}}, "/srv/the template"),
        (
            {"url": "https://git.example.com/a/b", "vcs_info": {"vcs": "git", "commit_id": "1" * 40}},
            "git+https://git.example.com/a/b",
        ),
        (
            {"url": "ssh://git@git.example.com/a/b.git", "vcs_info": {"vcs": "git", "commit_id": "1" * 40}},
            "git+ssh://git@git.example.com/a/b.git",
        ),
    ],
)
def test_template_is_where_the_installer_recorded_the_tool_to_be_from(record, expected):
    assert source_of(json.dumps(record)) == expected


def test_tool_from_an_index_needs_the_template():
    with pytest.raises(CommandError, match="add --template"):
        source_of(None)
