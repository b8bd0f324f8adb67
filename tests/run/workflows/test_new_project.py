"""The workflow that makes a repository for a team, played with a stand-in for `gh`."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from harness.act import Played, play
from harness.template import ANSWERS_FILE, Project, git

INPUTS = {"project_name": "Fraud & risk $(touch planted)", "maturity_level": "0", "problem_type": "regression"}


@pytest.fixture
def request_project(installed: Callable[..., Project], tmp_path: Path) -> Callable[..., Played]:
    """Send a request to the default project of level 3, whose workflow is played."""
    project = installed(maturity_level=3)
    remote, log = tmp_path / "remote.git", tmp_path / "calls"
    git("init", "--quiet", "--bare", "--initial-branch", "main", remote, folder=tmp_path)
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "token ${{GH_TOKEN-none}}: $*" >> {shlex.quote(str(log))}\n'
        f"git -C proposal/project push --quiet {shlex.quote(str(remote))} main\n"
    )
    gh.chmod(0o755)
    stand_in: Any = SimpleNamespace(
        remote=project.answers["repository_url"],
        variables={"PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}"},
    )

    def request_project(name: str, **inputs: str) -> Played:
        return play(project, tmp_path / name, "new-project.yml", "workflow_dispatch", github=stand_in, inputs=inputs)

    return request_project


def test_request_of_a_team_becomes_a_repository_and_one_that_is_not_valid_becomes_none(
    request_project, installed, tmp_path
):
    answers = installed(maturity_level=3).answers
    owner = urlsplit(answers["repository_url"]).path.split("/")[1]
    wrong = request_project("wrong", **INPUTS, team="strangers", repository=f"{owner}/fraud")
    assert wrong.jobs == {"New project/Render": "failure"}
    assert "team: teams/ has no 'strangers'; it has customer-churn" in wrong.printed
    assert not (tmp_path / "calls").exists()

    played = request_project("right", **INPUTS, team="customer-churn", repository=f"{owner}/fraud")
    assert played.jobs == {"New project/Render": "success", "New project/Publish": "success"}, played.printed
    assert f"repo create {owner}/fraud --private --source proposal/project" in (tmp_path / "calls").read_text()
    remote = tmp_path / "remote.git"
    found = yaml.safe_load(git("show", f"main:{ANSWERS_FILE}", folder=remote))
    assert (found["project_name"], found["maturity_level"], found["problem_type"], found["owner"]) == (
        INPUTS["project_name"],
        0,
        "regression",
        owner,
    )
    assert "uv.lock" in git("ls-tree", "--name-only", "main", folder=remote).split()
    assert not [*tmp_path.rglob("planted")], "an input was run"


def test_new_project_has_a_team_and_a_page_for_those_who_lead(installed):
    project = installed(maturity_level=3)
    assert project.process("team", "check").stdout == (
        "customer-churn: customer-churn-staging, customer-churn-production\n"
    )
    assert "reports/overview.html is written" in project.process("overview").stdout
    assert "No version has been promoted yet" in project.text("reports/overview.html")
