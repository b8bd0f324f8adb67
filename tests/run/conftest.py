"""Projects that are installed once and run for real."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.projects import DEFAULT, inside, models, named, registry
from harness.template import Project
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LEVEL_0 = [{"maturity_level": 0, **model} for model in models()]
# Each problem and each framework; the other two are run in test_pipeline.py.
LEVEL_1 = [
    DEFAULT,
    {"maturity_level": 1, "problem_type": "regression", "framework": "xgboost"},
]


@pytest.fixture(scope="session")
def install(
    render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Project]]:
    """Do a user's first steps with the project with the given answers; it is the test's own."""
    made: list[Project] = []

    def install(**answers: Any) -> Project:
        rendered = render(**answers)
        folder = tmp_path_factory.mktemp("project") / rendered.answers["project_slug"]
        made.append(Project(shutil.copytree(rendered.path, folder), rendered.answers))
        made[-1].install()
        return made[-1]

    yield install
    for project in made:
        shutil.rmtree(project.path / ".venv", ignore_errors=True)


@pytest.fixture(scope="session")
def installed(install: Callable[..., Project]) -> Callable[..., Project]:
    """Return the installed project with the given answers, which all tests share."""
    cache: dict[str, Project] = {}

    def installed(**answers: Any) -> Project:
        key = repr(sorted(answers.items()))
        if key not in cache:
            cache[key] = install(**answers)
        return cache[key]

    return installed


@pytest.fixture(scope="session", params=[*LEVEL_0, *LEVEL_1], ids=named)
def new(request: pytest.FixtureRequest, installed: Callable[..., Project]) -> Project:
    """Return an installed project of each kind, which nobody has changed."""
    return installed(**request.param)


@dataclass(frozen=True)
class Ran:
    """A project after its first pipeline, and what that printed."""

    project: Project
    printed: str


@pytest.fixture(scope="session")
def first_pipeline(installed: Callable[..., Project]) -> Callable[..., Ran]:
    """Run the pipeline of a level 1 project for the first time, and commit what came of it."""
    cache: dict[str, Ran] = {}

    def first_pipeline(**answers: Any) -> Ran:
        key = repr(sorted(answers.items()))
        if key not in cache:
            project = installed(**answers)
            done = project.poe("pipeline")
            project.commit("First model")
            project.run("git", "tag", "first-model")
            shutil.copytree(project.path / "reports", kept_reports(project))
            cache[key] = Ran(project, done.stdout + done.stderr)
        return cache[key]

    return first_pipeline


@pytest.fixture(scope="session", params=LEVEL_1, ids=named)
def ran(request: pytest.FixtureRequest, first_pipeline: Callable[..., Ran]) -> Ran:
    """Return level 1 projects after their first pipeline."""
    return first_pipeline(**request.param)


@pytest.fixture
def project(ran: Ran) -> Iterator[Project]:
    """Return a project after its first pipeline, to change at will: what is committed comes back after the test."""
    yield ran.project
    restore(ran.project)


@pytest.fixture
def churn(first_pipeline: Callable[..., Ran]) -> Iterator[Project]:
    """Return the default project after its first pipeline, to change at will, for what is alike in all projects."""
    ran = first_pipeline(**DEFAULT)
    yield ran.project
    restore(ran.project)


@pytest.fixture(scope="session")
def passed(first_pipeline: Callable[..., Ran]) -> tuple[str, str]:
    """Return two versions of the default project that passed the gate, before there was a champion."""
    project = first_pipeline(**DEFAULT).project
    inside(project, "forget.py")
    first = project.json("reports/run.json")["version"]
    project.poe("register")
    return str(first), registry(project).newest


@pytest.fixture
def versions(passed: tuple[str, str], churn: Project) -> Iterator[tuple[Project, str, str]]:
    """Return the default project without a champion, and two versions of it that passed the gate."""
    yield churn, *passed
    inside(churn, "forget.py")


@pytest.fixture(scope="session")
def browser(tool: Callable[[str], str]) -> Iterator[Browser]:
    """Start the system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def restore(project: Project) -> None:
    """Go back to the commit of the first model, with its data and its pages; what MLflow knows stays."""
    project.run("git", "checkout", "--quiet", "--force", "main")
    project.run("git", "reset", "--quiet", "--hard", "first-model")
    project.run("git", "clean", "--quiet", "--force", "-d")
    shutil.rmtree(project.path / "reports")
    shutil.copytree(kept_reports(project), project.path / "reports")
    project.run("uv", "run", "dvc", "checkout", "--quiet", "--force")


def kept_reports(project: Project) -> Path:
    """Return where the pages of the first model are kept: neither Git nor DVC has them."""
    return project.path.with_name("reports of the first model")
