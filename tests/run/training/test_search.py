"""A search that is killed, and one that loses a process, come to their end; several machines share one by PostgreSQL."""

import os
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
import yaml
from harness.projects import bash_blocks, inside
from harness.server import background, eventually
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


def test_killed_search_and_one_that_loses_a_worker_go_on_and_the_best_trial_becomes_the_parameters(looping, browser):
    module = f"{looping.answers['package_name']}.training.search"
    command = [looping.path / ".venv/bin/python", "-m", module, "--trials", "4", "--processes", "2"]
    shown, terminal = os.openpty()
    with background(command, cwd=looping.path, env=clean_environment(), stderr=terminal):
        os.close(terminal)
        eventually("a trial at work", lambda: states(looping)["RUNNING"] and states(looping)["COMPLETE"])
        eventually("a line for people", lambda: b" finished with value: " in os.read(shown, 4096))
    os.close(shown)
    assert states(looping)["RUNNING"]

    (commands,) = bash_blocks(looping.text("docs/search.md"))
    assert commands.splitlines() == ["uv run poe search", "uv run poe search --apply", "uv run poe pipeline"]
    done = looping.process("search", SEARCH_TRIALS="4")
    assert "Trial" not in done.stderr, "it is no terminal"
    found = states(looping)
    assert found["COMPLETE"] + found["PRUNED"] == 4, found
    assert found["RUNNING"] == 0, "the trial of the killed process ended"
    assert "best: trial" in done.stdout

    looping.process("drill", "worker-lost")  # it has a study of its own
    assert states(looping) == found
    evidence = looping.json("reports/drills/worker-lost.json")
    assert evidence["recovered"]
    assert evidence["detected_after_seconds"] <= evidence["recovered_after_seconds"]

    (parent,) = [run for run in inside(looping, "searches.py") if run["parent"] is None]
    trials = [run for run in inside(looping, "searches.py") if run["parent"] == parent["id"]]
    assert parent["status"] == "FINISHED"
    ended = Counter(run["status"] for run in trials)
    assert (ended["FINISHED"], ended["KILLED"], ended["RUNNING"]) == (found["COMPLETE"], found["PRUNED"], 0)
    assert ended["FAILED"] <= found["FAIL"], "one that was killed at once had no run yet"
    looping.process("search", "--apply", SEARCH_TRIALS="4")
    best = yaml.safe_load(looping.text("params.yaml"))["model"]
    assert f"{best['learning_rate']}" in done.stdout

    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.route("http*://**", lambda route: route.abort())
    page.goto((looping.path / "reports/search.html").as_uri())
    assert page.locator("table tbody tr").count() == found["COMPLETE"]
    images = page.eval_on_selector_all("img", "images => images.map(image => [image.naturalWidth, image.width])")
    assert len(images) == 7, "history, folds, importance, and one for each of four parameters"
    assert all(natural and shown <= 390 for natural, shown in images)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


@pytest.mark.long  # the same by SQLite is above
def test_machines_share_a_study_by_postgresql(looping, postgresql):
    looping.poe("search", "--trials", "1", "--processes", "1", SEARCH_STORAGE=postgresql)
    assert not (looping.path / "data/search.db").exists()
    (looping.path / "reports/search.html").unlink()
    assert "1 complete\nbest: trial 0" in looping.poe("search", "--trials", "1", SEARCH_STORAGE=postgresql).stdout
