"""Each task starts as its users start it: by uv and poe, as a process that has imported nothing before."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.projects import nobody_listens
from harness.server import PATIENCE_SECONDS, background, eventually, fetched, responds
from harness.tasks import SERVERS, TASKS
from harness.template import Project, clean_environment
from playwright.sync_api import Browser

CHANGE_NOTHING = ["gate", "lineage", "audit", "card"]


@pytest.fixture
def project(versions: tuple[Project, str, str]) -> Project:
    """Return the default project with a champion, and one before it."""
    project, *both = versions
    for version in both:
        project.poe("promote", "--version", version, "--approved-by", "Grace")
    return project


@pytest.mark.parametrize("task", TASKS)
def test_task_works_as_a_process_and_a_fork_prints_the_same(project, task):
    arguments, expected = TASKS[task]
    process = project.process(task, *arguments)
    assert expected in process.stdout
    if task in CHANGE_NOTHING:
        fork = project.poe(task, *arguments)
        assert without_seconds(fork.stdout) == without_seconds(process.stdout)
        assert fork.stderr in process.stderr, "poe itself prints a line"


def without_seconds(printed: str) -> str:
    return re.sub(r"in \d+\.\d s", "", printed)


def test_fork_fails_as_a_process_fails(project):
    refused = ("promote", "--version", "999", "--approved-by", "Grace")
    process, fork = (run(*refused, rc=1) for run in (project.process, project.poe))
    assert (fork.stdout, fork.stderr in process.stderr) == (process.stdout, True)


def test_server_starts_as_a_process(project, tmp_path):
    with started(project, "serve", tmp_path / "log"):
        pass


def test_exporter_starts_as_a_process(looping, tmp_path):
    with started(looping, "exporter", tmp_path / "log"):
        pass


def test_ui_leads_to_runs_and_model(project, tmp_path, browser: Browser):
    with started(project, "ui", tmp_path / "log") as log:
        runs, model = re.findall(r"http://\S+/#/\S+", log.read_text())
        page = browser.new_page()
        page.goto(runs)
        page.get_by_role("link", name="main, version 1").wait_for()
        page.goto(model)
        page.get_by_text("champion").first.wait_for()
        page.close()
        assert "DeprecationWarning" not in log.read_text()


ALL_HAVE_RUN = """() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(each => each.textContent);
    return prompts.length > 0 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
}"""


def test_notebook_runs_in_jupyter(installed, tmp_path, browser: Browser):
    project = installed(maturity_level=0)
    arguments = ["--no-browser", "--allow-root", "--IdentityProvider.token="]
    with started(project, "notebook", tmp_path / "log", *arguments) as log:
        opened = re.findall(r"http://127\.0\.0\.1:\S+", log.read_text())[-1]
        page = browser.new_page(viewport={"width": 1280, "height": 9000})  # Jupyter has only visible cells in the page
        page.goto(opened)
        kernels = f"{opened.partition('/notebooks/')[0]}/api/kernels"
        eventually("a kernel", lambda: [each for each in json.loads(fetched(kernels)) if each["connections"]])
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(state="attached")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(ALL_HAVE_RUN, timeout=PATIENCE_SECONDS * 1000)
        assert page.locator(".jp-CodeCell").count() == project.text("notebooks/explore.py").count("# %%\n")
        for mime in ("error", "stderr"):
            assert page.locator(f"[data-mime-type='application/vnd.jupyter.{mime}']").all_inner_texts() == []
        figures = page.locator(".jp-OutputArea-output img")
        assert figures.count() >= 2
        assert all(figures.evaluate_all("all => all.map(each => each.complete && each.naturalWidth > 0)"))
        page.close()


@contextmanager
def started(project: Project, task: str, log: Path, *arguments: str) -> Iterator[Path]:
    """Start a server, wait until it responds, and yield what it logs."""
    url = nobody_listens()
    command = ["uv", "run", "poe", task, "--port", urlsplit(url).port, *arguments]
    with background(command, log, signal.SIGTERM, cwd=project.path, env=clean_environment()) as process:
        eventually(url, lambda: process.poll() is not None or responds(url + SERVERS[task]))
        assert process.poll() is None, log.read_text()
        yield log
