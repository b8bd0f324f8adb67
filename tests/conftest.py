"""Fixtures for rendering the template, and for what a test may take for granted about the machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest
from harness.template import ROOT, Project, git, repository_files
from pytest_copie.plugin import Copie, Result

hypothesis.settings.register_profile("any machine", deadline=None, database=None)
hypothesis.settings.load_profile("any machine")

GIT_CONFIG = """\
[user]
name = Ada Lovelace
email = ada@example.com
[init]
defaultBranch = main
[commit]
gpgSign = false
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the lists of files in tests/render/golden anew"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its tier: `run` below tests/run, `lift` below tests/lift, else `fast` unless it is `long`."""
    for item in items:
        tier = next((tier for tier in ("run", "lift") if ROOT / "tests" / tier in item.path.parents), "fast")
        if not item.get_closest_marker("long"):
            item.add_marker(tier)


@pytest.fixture(scope="session", autouse=True)
def _same_on_every_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of this machine's user out of Git and Copier."""
    home = tmp_path_factory.mktemp("settings")
    (home / "gitconfig").write_text(GIT_CONFIG)
    (home / "copier.yml").write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("COPIER_SETTINGS_PATH", str(home / "copier.yml"))
        patch.setenv("COPIER_CACHE_DIR", str(home / "copier"))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the files as they are now, committed and tagged: Copier can come back to that version.

    It has all the history and the released tags.
    """
    clone = tmp_path_factory.mktemp("template") / "copier-mlops"
    git("clone", "--quiet", ROOT, clone, folder=ROOT)
    git("rm", "-r", "--quiet", ".", folder=clone)
    for path in repository_files():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, clone / path)
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--allow-empty", "--message", "The working tree", folder=clone)
    git("tag", "v999.0.0", folder=clone)
    return clone


@pytest.fixture(scope="session")
def copy(template: Path, copie_session: Copie) -> Callable[..., Result]:
    """Render anew with the given answers and defaults else, whether that succeeds or not."""

    def copy(**answers: Any) -> Result:
        return copie_session.copy(extra_answers=answers, template_dir=template)

    return copy


@pytest.fixture(scope="session")
def render(copy: Callable[..., Result]) -> Callable[..., Project]:
    """Return the project with the given answers and defaults else; rendered once, so leave it as it is."""
    cache: dict[str, Project] = {}

    def render(**answers: Any) -> Project:
        key = repr(sorted(answers.items()))
        if key not in cache:
            result = copy(**answers)
            assert result.exit_code == 0, f"{answers}: {result.exception}"
            assert result.project_dir is not None
            cache[key] = Project(result.project_dir, result.answers)
        return cache[key]

    return render


@pytest.fixture
def project(render: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Return a copy of the project with the given answers, to change at will."""

    def project(**answers: Any) -> Project:
        rendered = render(**answers)
        copied = shutil.copytree(rendered.path, tmp_path / rendered.answers["project_slug"])
        return Project(copied, rendered.answers)

    return project


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """Skip the test for want of something that this machine lacks, or fail if REQUIRE_TOOLS is set."""

    def lacking(why: str) -> NoReturn:
        (pytest.fail if os.environ.get("REQUIRE_TOOLS") else pytest.skip)(why)

    return lacking


@pytest.fixture(scope="session")
def tool(lacking: Callable[[str], NoReturn]) -> Callable[[str], str]:
    """Return the path of a program; without it the test is skipped, or fails if REQUIRE_TOOLS is set."""

    def tool(name: str) -> str:
        return shutil.which(name) or lacking(f"{name} is not installed")

    return tool
