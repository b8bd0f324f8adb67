"""Projects that are installed once and run for real."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import environments
from harness.layers import can_overlay, copied_back, keep, overlaid, own_mounts
from harness.projects import DEFAULT, models, named, nobody_listens, registry
from harness.server import background, eventually, socket_listens
from harness.shared import Shared
from harness.template import Project, chosen
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOOPING = {**DEFAULT, "maturity_level": 2}
AUTONOMOUS = {**DEFAULT, "maturity_level": 3}
# Each problem and each framework; the others are run at level 0.
LEVEL_1 = [
    DEFAULT,
    {"maturity_level": 1, "problem_type": "regression", "framework": "xgboost"},
]
LEVEL_0 = [{"maturity_level": 0, **model} for model in models() if {"maturity_level": 1, **model} not in LEVEL_1]


@pytest.fixture
def tmp_path(disk: Path, request: pytest.FixtureRequest) -> Path:
    """Return a folder on the disk, where environments are hard links."""
    return Path(tempfile.mkdtemp(prefix=f"{request.node.originalname}-", dir=disk))


@pytest.fixture(scope="session")
def shared_on_disk(disk: Path) -> Shared:
    """Make something once in a test run, whichever worker needs it first."""
    return Shared(disk / "shared")


@pytest.fixture(scope="session")
def changes(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return where an overlay keeps what tests change, or nothing where this process may not mount one."""
    folders = (tmp_path_factory.mktemp("changes"), disk)
    return next((folder for folder in folders if can_overlay(folder)), None) if own_mounts() else None


@pytest.fixture(scope="session")
def set_up(shared_on_disk: Shared) -> Callable[[Project], None]:
    """Do a user's first steps in a rendered project on the disk: make a repository and the environment, and commit."""
    return lambda project: environments.install(project, shared_on_disk)


@pytest.fixture(scope="session")
def install(render: Callable[..., Project], set_up: Callable[[Project], None], disk: Path) -> Callable[..., Project]:
    """Return a project with the given answers after a user's first steps; it is the test's own."""

    def install(**answers: Any) -> Project:
        rendered = render(**answers)
        folder = Path(tempfile.mkdtemp(dir=disk)) / rendered.answers["project_slug"]
        project = Project(shutil.copytree(rendered.path, folder), rendered.answers)
        set_up(project)
        return project

    return install


@dataclass(frozen=True)
class Ran:
    """A project in which something has run, what that printed, and how to bring the project back to what it was."""

    project: Project
    printed: str
    copy: Path | None  # where there is no overlay

    def changed(self, changes: Path | None) -> AbstractContextManager[None]:
        """Let a test change the project at will during a block."""
        if changes:
            return overlaid(self.project.path, changes)
        assert self.copy
        return copied_back(self.project.path, self.copy)


@pytest.fixture(scope="session")
def after(
    install: Callable[..., Project], shared_on_disk: Shared, changes: Path | None, worker_id: str
) -> Callable[..., Ran]:
    """Run something in an installed project, once for all tests; leave the project as it is."""

    def after(work: Callable[[Project], str], answers: dict[str, Any]) -> Ran:
        def run(_: Path) -> Ran:
            project = install(**answers)
            return Ran(project, work(project), None if changes else keep(project.path))

        sharing = "all workers" if changes else worker_id
        return shared_on_disk(run, work.__name__, sorted(chosen(answers).items()), sharing)

    return after


@pytest.fixture
def installed(after: Callable[..., Ran], changes: Path | None) -> Iterator[Callable[..., Project]]:
    """Return the installed project with the given answers, to change at will."""

    def nothing(project: Project) -> str:
        return ""

    with ExitStack() as stack:
        opened: set[Path] = set()

        def installed(**answers: Any) -> Project:
            ran = after(nothing, answers)
            if ran.project.path not in opened:
                opened.add(ran.project.path)
                stack.enter_context(ran.changed(changes))
            return ran.project

        yield installed


@pytest.fixture(scope="session", params=[*LEVEL_0, *LEVEL_1], ids=named)
def trained(request: pytest.FixtureRequest, after: Callable[..., Ran]) -> Ran:
    """Return a project of each kind after its first training, to leave as it is."""

    def train(project: Project) -> str:
        return project.process("train").stdout

    return after(train, request.param)


@pytest.fixture
def new(trained: Ran, changes: Path | None) -> Iterator[Project]:
    """Return a project of each kind after its first training, to change at will."""
    with trained.changed(changes):
        yield trained.project


@pytest.fixture(scope="session")
def first_pipeline(after: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run the pipeline of a project for the first time, and commit what came of it; leave the project as it is.

    At level 1, a second version of the default project's model is registered: both passed the gate, and there is no
    champion. At levels 2 and 3, the first version of it is the champion.
    """

    def pipeline(project: Project) -> str:
        done = project.process("pipeline")
        project.commit("First model")
        project.run("git", "tag", "first-model")
        if DEFAULT.items() <= project.answers.items():
            project.poe("register")
        elif LOOPING.items() <= project.answers.items() or AUTONOMOUS.items() <= project.answers.items():
            project.poe("promote", "--version", "1", "--approved-by", "Ada")
        return done.stdout + done.stderr

    return lambda **answers: after(pipeline, answers)


@pytest.fixture(scope="session", params=LEVEL_1, ids=named)
def ran(request: pytest.FixtureRequest, first_pipeline: Callable[..., Ran]) -> Ran:
    """Return level 1 projects after their first pipeline, to leave as they are."""
    return first_pipeline(**request.param)


@pytest.fixture
def project(ran: Ran, changes: Path | None) -> Iterator[Project]:
    """Return a project after its first pipeline, to change at will."""
    with ran.changed(changes):
        yield ran.project


@pytest.fixture
def churn(first_pipeline: Callable[..., Ran], changes: Path | None) -> Iterator[Project]:
    """Return the default project after its first pipeline, to change at will, for what is alike in all projects."""
    ran = first_pipeline(**DEFAULT)
    with ran.changed(changes):
        yield ran.project


@pytest.fixture
def looping(first_pipeline: Callable[..., Ran], changes: Path | None) -> Iterator[Project]:
    """Return the default project of level 2 after its first pipeline, to change at will; version 1 is the champion."""
    ran = first_pipeline(**LOOPING)
    with ran.changed(changes):
        yield ran.project


@pytest.fixture
def autonomous(first_pipeline: Callable[..., Ran], changes: Path | None) -> Iterator[Project]:
    """Return the default project of level 3 after its first pipeline, to change at will; version 1 is the champion."""
    ran = first_pipeline(**AUTONOMOUS)
    with ran.changed(changes):
        yield ran.project


@pytest.fixture
def extended(render: Callable[..., Project]) -> Callable[..., None]:
    """Add to a project what further answers add, as a team does that needs an option later."""

    def extended(project: Project, **answers: Any) -> None:
        shutil.copytree(render(**answers).path, project.path, dirs_exist_ok=True)
        project.run("uv", "sync", "--quiet")

    return extended


@pytest.fixture
def versions(churn: Project) -> tuple[Project, str, str]:
    """Return the default project without a champion, and two versions of it that passed the gate."""
    first, second = sorted(registry(churn).versions, key=int)
    return churn, first, second


@pytest.fixture
def postgresql(tool: Callable[[str], str]) -> Iterator[str]:
    """Return the URL of a PostgreSQL of its own."""
    # Debian keeps the server of each version out of PATH.
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None) or Path(tool("initdb")).parent
    folder = Path(subprocess.run(["mktemp", "--directory"], check=True, capture_output=True, text=True).stdout.strip())
    shutil.chown(folder, "postgres", "postgres")
    port = nobody_listens().rpartition(":")[2]

    def run(*command: object) -> None:
        subprocess.run(list(map(str, command)), check=True, user="postgres", cwd=folder, stdout=subprocess.DEVNULL)

    run(binaries / "initdb", "--auth=trust", "--pgdata", folder / "data")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    run(
        binaries / "pg_ctl",
        "--pgdata",
        folder / "data",
        "--log",
        folder / "log",
        "--options",
        options,
        "--wait",
        "start",
    )
    yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    run(binaries / "pg_ctl", "--pgdata", folder / "data", "--mode", "immediate", "--wait", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def redis(tool: Callable[[str], str], tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Return the URL of a Redis of its own, and its process."""
    address = nobody_listens().removeprefix("http://")
    command = [tool("redis-server"), "--port", address.rpartition(":")[2], "--save", "", "--dir", tmp_path]
    with background(command) as process:
        eventually("Redis", lambda: socket_listens(address))
        yield f"redis://{address}/0", process


@pytest.fixture(scope="session")
def browser(tool: Callable[[str], str]) -> Iterator[Browser]:
    """Start the system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()
