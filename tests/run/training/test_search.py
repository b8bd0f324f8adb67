"""A search that is killed, and one that loses a process, come to their end; several machines share one by PostgreSQL."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing

from harness.projects import inside
from harness.server import eventually
from harness.template import Project, clean_environment


def states(project: Project) -> Counter[str]:
    """Return the number of trials by state."""
    database = project.path / "data/search.db"
    if not database.exists():
        return Counter()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        try:
            return Counter(dict(connection.execute("SELECT state, count(*) FROM trials GROUP BY state")))
        except sqlite3.OperationalError:
            return Counter()


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Start a search as a group of processes."""
    module = f"{project.answers['package_name']}.training.search"
    return subprocess.Popen(
        [project.path / ".venv/bin/python", "-m", module, *arguments],
        cwd=project.path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_killed_search_goes_on_and_leaves_nothing_running(looping, browser):
    search = start(looping, "--trials", "4", "--processes", "2")
    eventually("a trial at work", lambda: states(looping)["RUNNING"] and states(looping)["COMPLETE"])
    os.killpg(search.pid, signal.SIGKILL)
    search.wait()
    killed = states(looping)
    assert killed["RUNNING"]

    done = looping.process("search", "--trials", "6", "--processes", "2")
    found = states(looping)
    assert found["COMPLETE"] + found["PRUNED"] == 6, found
    assert found["RUNNING"] == 0, "the trial of the killed process ended"
    assert "best: trial" in done.stdout

    (parent,) = [run for run in inside(looping, "searches.py") if run["parent"] is None]
    trials = [run for run in inside(looping, "searches.py") if run["parent"] == parent["id"]]
    assert (parent["status"], len(trials) >= 6) == ("FINISHED", True)
    assert Counter(run["status"] for run in trials)["FINISHED"] == found["COMPLETE"]
    assert {run["status"] for run in trials} <= {"FINISHED", "KILLED"}

    page = browser.new_page()
    page.goto((looping.path / "reports/search.html").as_uri())
    assert page.locator("table tbody tr").count() == found["COMPLETE"] + found["PRUNED"]
    widths = page.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
    assert len(widths) >= 3
    assert all(widths)
    page.close()


def test_machines_share_a_study_by_postgresql(looping, postgresql):
    for trials in ("1", "2"):
        looping.poe("search", "--trials", trials, "--processes", "1", SEARCH_STORAGE=postgresql)
    assert not (looping.path / "data/search.db").exists()
    assert "2 complete" in looping.poe("search", "--trials", "2", SEARCH_STORAGE=postgresql).stdout


def test_drill_of_a_lost_worker_recovers(looping):
    looping.process("drill", "worker-lost")
    evidence = looping.json("reports/drills/worker-lost.json")
    assert evidence["recovered"]
    assert evidence["detected_after_seconds"] <= evidence["recovered_after_seconds"]
