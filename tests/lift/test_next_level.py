"""A level that does not exist yet: its folder, and its entries in copier.yml and the catalogue, are all that these tests need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.next_level import NEXT, add_next_level, without_version


@pytest.fixture
def repository_with_next_level(template: Path, tmp_path: Path) -> Path:
    """Return this repository, tests and all, with one more level."""
    return without_version(add_next_level(template, tmp_path / "copier-mlops"))


def run_tests(repository: Path, *arguments: str) -> str:
    """Run the tests of a level in a repository of their own, see that they succeed, and return what they print."""
    files = [f"tests/lift/test_{name}.py" for name in ("raise", "edits", "merge_safety", "stateful")]
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-m", "lift", *files, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@pytest.mark.skipif(NEXT > 3, reason="all levels are there")
def test_next_level_is_covered_by_its_folder_alone(repository_with_next_level):
    slow = ("raised_equals_fresh", "next_version", "histories")  # many lifts, and all levels are alike to them
    wanted = [*(f"not {name}" for name in slow), "(not edits_of_a_year or default)"]
    printed = run_tests(repository_with_next_level, "-k", " and ".join(wanted))
    for test in ("odd_names", "level_only_adds_files", "edits_of_a_year", "no_edit_of_a_shared_file_goes_astray"):
        for low in (0, NEXT - 1):
            assert re.search(rf"test_\w*{test}\w*\[{low}-{NEXT}\b", printed), f"{test} from {low} to {NEXT}"
    assert "test_steps_equal_a_jump" in printed


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(NEXT > 3, reason="all levels are there")
def test_next_level_with_all_options_versions_and_histories(repository_with_next_level):
    assert "test_histories" in run_tests(repository_with_next_level)
