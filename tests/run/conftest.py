"""Projects that are installed once and run for real."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import Project

# Enough to meet each level, problem and framework, and all of them together where an installation is cheap.
COMBINATIONS = [
    {"maturity_level": 0, "problem_type": "classification", "framework": "scikit-learn"},
    {"maturity_level": 0, "problem_type": "classification", "framework": "xgboost"},
    {"maturity_level": 0, "problem_type": "regression", "framework": "scikit-learn"},
    {"maturity_level": 0, "problem_type": "regression", "framework": "xgboost"},
]


@pytest.fixture(scope="session")
def installed(
    render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Project]]:
    """Return the project with the given answers after a user's first steps; all tests of those answers share it."""
    cache: dict[str, Project] = {}

    def installed(**answers: Any) -> Project:
        key = repr(sorted(answers.items()))
        if key not in cache:
            cache[key] = _copy(render(**answers), tmp_path_factory)
        return cache[key]

    yield installed
    for project in cache.values():
        shutil.rmtree(project.path / ".venv", ignore_errors=True)


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda answers: "-".join(map(str, answers.values())))
def combination(request: pytest.FixtureRequest, installed: Callable[..., Project]) -> Project:
    """Return one installed project of each combination."""
    return installed(**request.param)


@pytest.fixture
def fresh(render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Project]]:
    """Return an installed project for one test alone."""
    made: list[Project] = []

    def fresh(**answers: Any) -> Project:
        made.append(_copy(render(**answers), tmp_path_factory))
        return made[-1]

    yield fresh
    for project in made:
        shutil.rmtree(project.path / ".venv", ignore_errors=True)


def _copy(rendered: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project") / rendered.answers["project_slug"]
    project = Project(shutil.copytree(rendered.path, folder), rendered.answers)
    project.install()
    return project
