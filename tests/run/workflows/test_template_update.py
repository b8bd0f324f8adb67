"""The workflow that proposes the newest version of the template, played with a stand-in for GitHub."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from copier import run_copy
from harness.act import Played, play
from harness.github import GitHub, edit_and_push, on_github
from harness.lifting import NOW, release_edit
from harness.template import ANSWERS_FILE, Project, git

WORKFLOW = ".github/workflows/template-update.yml"
UPDATE, PROPOSE = "Template update/Update", "Template update/Propose"
GATE = "src/churn/pipeline/gate.py"
TEST = "tests/test_ours.py"
ANSWERS = {"maturity_level": 0, "package_name": "churn"}


@pytest.fixture
def source(template: Path, tmp_path: Path) -> Path:
    """Return the template, to make later versions of."""
    return shutil.copytree(template, tmp_path / "copier-mlops")


@pytest.fixture
def project(source: Path, set_up: Callable[[Project], None], tmp_path: Path) -> Project:
    """Return an installed project of level 0 with one test, which is the team's."""
    made = Project(tmp_path / "project", {**ANSWERS, "repository_url": "https://github.com/ada/churn"})
    run_copy(str(source), made.path, ANSWERS, vcs_ref=NOW, defaults=True, unsafe=True, quiet=True)
    for path in (made.path / "tests").glob("test_*.py"):
        path.unlink()
    (made.path / TEST).write_text("def test_ours():\n    assert True\n", encoding="utf-8")
    set_up(made)
    return made


@pytest.fixture
def github(project: Project, tmp_path: Path) -> GitHub:
    """Return a stand-in for GitHub which has the project."""
    return on_github(project, tmp_path / "github")


@pytest.fixture
def played(project: Project, github: GitHub, tmp_path: Path) -> Callable[[str], Played]:
    """Play the workflow."""

    def played(name: str) -> Played:
        return play(project, tmp_path / name, "template-update.yml", "workflow_dispatch", github=github)

    return played


def release(source: Path, version: str, path: str, old: str, new: str) -> None:
    """Make a later version of the template, in which a file of level 0 differs."""
    file = f"template/{{{{ level_0 }}}}/{path}".replace("src/churn", "src/{{ package_name }}")
    release_edit(source, version, file, old, new)


def test_newer_version_is_one_pull_request_with_what_changed_and_whether_the_checks_pass(
    project, source, github, played
):
    nothing = played("nothing")
    assert nothing.jobs == {UPDATE: "success"}, nothing.printed
    assert "Nothing to do: the repository is up to date with the template." in nothing.printed

    release(source, "v1000.0.0", GATE, 'PLACE = "', 'PLACE = "later, ')
    release(source, "v1001.0.0", "pyproject.toml.jinja", '    "ruff>=0.14",', '    "ruff>=0.14.1",')
    first = played("first")
    assert first.jobs == {UPDATE: "success", PROPOSE: "success"}, first.printed
    (opened,) = github.pull_requests
    assert (opened["title"], opened["draft"]) == ("Update the template from v999.0.0 to v1001.0.0", False)
    for line in (
        f"- `{GATE}`",
        "- `pyproject.toml`",
        "| `uv run poe lint` | passed |",
        "| `uv run poe test` | passed |",
    ):
        assert f"{line}\n" in opened["body"]
    changed = git("diff", "--name-only", "template-update~", "template-update", folder=github.remote).splitlines()
    assert changed == [ANSWERS_FILE, "pyproject.toml", GATE, "uv.lock"], "CI installs by the lock"

    edit_and_push(project, TEST, "assert True", 'assert sum([1, 1]) == 3, "as it has to be"')
    second = played("second")
    assert second.jobs == {UPDATE: "success", PROPOSE: "success"}, second.printed
    (renewed,) = github.pull_requests
    assert renewed["title"] == opened["title"]
    assert "| `uv run poe lint` | passed |\n" in renewed["body"]
    assert "| `uv run poe test` | **failed** |\n" in renewed["body"]
    assert "AssertionError: as it has to be" in renewed["body"]
    assert "Renewed https://github.com/ada/churn/pull/1" in second.printed


def test_conflict_is_a_draft_and_what_must_not_be_updated_fails(project, source, github, played):
    edit_and_push(project, GATE, 'PLACE = "', 'PLACE = "ours, ')
    release(source, "v1000.0.0", GATE, 'PLACE = "', 'PLACE = "later, ')
    install = "      - run: uv sync --locked\n"
    edit_and_push(project, WORKFLOW, install, f"{install}      - run: rm {TEST}\n")
    dirty = played("dirty")
    assert dirty.jobs == {UPDATE: "failure"}
    assert f"commit or stash these first, so that the update stays separate from them:\n D {TEST}\n" in dirty.printed

    edit_and_push(project, WORKFLOW, f"      - run: rm {TEST}\n", "")
    conflict = played("conflict")
    assert conflict.jobs == {UPDATE: "success", PROPOSE: "success"}, conflict.printed
    (draft,) = github.pull_requests
    assert (draft["title"].rpartition(": ")[2], draft["draft"]) == ("1 file in conflict", True)
    assert "## Conflicts\n\nYour edits and the template's changes meet in these files" in draft["body"]
    assert f"\n- `{GATE}`\n" in draft["body"]
    assert "$ uv run poe test" not in conflict.printed

    github.refuse(WORKFLOW)
    release(source, "v1001.0.0", WORKFLOW, "timeout-minutes: 60", "timeout-minutes: 59")
    refused = played("refused")
    assert refused.jobs == {UPDATE: "success", PROPOSE: "failure"}
    assert "GitHub refused the push: the update changes files in .github/workflows/" in refused.printed
    assert github.pull_requests == [draft]
