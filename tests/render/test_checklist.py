"""`poe ci-checklist` lets a pull request pass whose description answers the questions of its template."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.template import Project

NAMES = [
    "Purpose",
    "Data",
    "Features",
    "Evaluation",
    "Fairness and privacy",
    "Reproducibility",
    "Operation",
    "Documentation",
]


@pytest.fixture
def level_1(render: Callable[..., Project]) -> Project:
    return render(maturity_level=1)


@pytest.fixture
def description(level_1: Project) -> str:
    """Return what GitHub puts into the description of a new pull request."""
    return level_1.text(".github/pull_request_template.md")


@pytest.fixture
def ask(level_1: Project, tmp_path: Path) -> Callable[[str | None], list[str]]:
    """Return the questions that a description leaves open, in the words of the tool."""

    def ask(body: str | None) -> list[str]:
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"body": body}}), encoding="utf-8")
        done = level_1.run(sys.executable, "tools/checklist.py", rc=None, GITHUB_EVENT_PATH=str(event))
        assert done.returncode == (1 if done.stderr else 0)
        return [line.strip() for line in done.stderr.splitlines()]

    return ask


def test_eight_questions_are_asked(ask, description):
    assert ask(description) == [f"{name}: tick it, or write `n/a: why` behind it" for name in NAMES]


def test_ticks_answer(ask, description):
    assert ask(description.replace("- [ ]", "- [x]")) == []
    assert ask(description.replace("- [ ]", "* [X]").replace("\n", "\r\n")) == []


def test_a_reason_answers(ask, description):
    assert ask(re.sub(r"^(- \[ \].*)$", r"\1 N/A: only docs", description, flags=re.MULTILINE)) == []
    assert ask(re.sub(r"^(- \[ \].*)$", r"\1\n  n/a: only docs", description, flags=re.MULTILINE)) == []


def test_no_reason_is_no_answer(ask, description):
    open_questions = ask(description.replace("- [ ]", "- [x]", 7) + "n/a: all\n")
    assert open_questions == ["Documentation: tick it, or write `n/a: why` behind it"]
    assert len(ask(re.sub(r"^(- \[ \].*)$", r"\1 n/a:", description, flags=re.MULTILINE))) == 8


@pytest.mark.parametrize("body", [None, "", "Fixes it.", "<!--\n- [x] **Purpose**\n-->"])
def test_a_description_without_the_questions_answers_none(ask, body):
    assert ask(body) == [f"{name}: the question is missing" for name in NAMES]


def test_a_description_is_never_run(ask, tmp_path):
    ask(f"$(touch {tmp_path}/run) `touch {tmp_path}/run` '; touch {tmp_path}/run")
    assert not (tmp_path / "run").exists()


def test_questions_of_the_team_are_asked(project, tmp_path):
    changed = project(maturity_level=1)
    (changed.path / ".github/pull_request_template.md").write_text("- [ ] **Ours**: is it?\n")
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"body": "- [ ] **Ours**"}}))
    done = changed.run(sys.executable, "tools/checklist.py", rc=1, GITHUB_EVENT_PATH=str(tmp_path / "event.json"))
    assert done.stderr == "  Ours: tick it, or write `n/a: why` behind it\n"


def test_missing_pull_request_is_reported(level_1):
    done = level_1.run(sys.executable, "tools/checklist.py", rc=1, GITHUB_EVENT_PATH="")
    assert done.stderr == "poe ci-checklist: GITHUB_EVENT_PATH is not set: this checks a pull request on GitHub\n"
