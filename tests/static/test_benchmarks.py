"""The benchmarks page is written from the results, and each benchmark of `make bench` has results."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness.template import ROOT

FIELDS = {"date", "commit", "python", "machine", "method", "promises", "tables"}
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Compare the page in a folder with its results."""
    command = [sys.executable, folder / "benchmarks" / "page.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the page and the benchmarks."""
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks")
    shutil.copytree(ROOT / "docs" / "reference", tmp_path / "docs" / "reference")
    return tmp_path


def test_page_has_the_figures_of_the_results():
    done = check(ROOT)
    assert done.returncode == 0, done.stderr


def test_new_result_needs_a_new_page(copied):
    path = copied / "benchmarks" / "results" / "lift.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    result["promises"][0]["measured"] = 4.5
    path.write_text(json.dumps(result), encoding="utf-8")
    assert "differs from benchmarks/results" in check(copied).stderr
    subprocess.run([sys.executable, copied / "benchmarks" / "page.py"], check=True)
    assert "| 4.50 | at most 3 | **no** |" in (copied / "docs/reference/benchmarks.md").read_text(encoding="utf-8")
    assert check(copied).returncode == 0


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_result_has_its_conditions_and_each_promise_a_limit(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    assert set(result) - {"remarks"} == FIELDS
    assert result["promises"]
    for promise in result["promises"]:
        assert {"what", "measured"} < promise.keys() <= {"what", "measured", "at_most", "at_least"}


def test_each_benchmark_has_a_result_and_a_section():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    page = (ROOT / "docs/reference/benchmarks.md").read_text(encoding="utf-8")
    run = re.findall(r"benchmarks/(\w+)\.py", makefile)
    assert run[-1] == "page"
    assert sorted(run[:-1]) == [path.stem for path in RESULTS] == sorted(re.findall(r"<!-- (\w+): written", page))
