"""What `make diff` shows of a change of the template."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.template import git

BASE = "v999.0.0"
Diff = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Path:
    """Return a clone of this repository, to change at will."""
    git("clone", "--quiet", template, tmp_path / "copier-mlops", folder=tmp_path)
    return tmp_path / "copier-mlops"


@pytest.fixture
def diff(repository: Path, run_script: Callable[..., subprocess.CompletedProcess[str]]) -> Diff:
    """Return a function that compares the working tree of the clone with a base."""

    def diff(base: str = BASE, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_script(repository, "rendered_diff.py", f"--base={base}", *arguments)

    return diff


def test_diff_shows_the_rendered_lines_of_changes_that_are_not_committed(repository, diff, tmp_path):
    level_0 = repository / "template" / "{{ level_0 }}"
    changed = level_0 / "tasks" / "level-0.toml.jinja"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("Run the tests;", "Run all tests of {{ project_name }};"), encoding="utf-8")
    (level_0 / "new.txt").write_text("a new file\n", encoding="utf-8")
    before = git("status", "--porcelain", folder=repository)
    done = diff(BASE, "--level=0")
    assert done.stdout.startswith("# level 0\ndiff --git a/new.txt b/new.txt\n"), done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith(("+", "-"))] == [
        "--- /dev/null",
        "+++ b/new.txt",
        "+a new file",
        "--- a/tasks/level-0.toml",
        "+++ b/tasks/level-0.toml",
        '-help = "Run the tests; arguments go to pytest"',
        '+help = "Run all tests of Customer churn; arguments go to pytest"',
    ]
    assert git("status", "--porcelain", folder=repository) == before
    summary = tmp_path / "summary.md"
    assert diff(BASE, "--level=0", f"--summary={summary}").stdout == ""
    assert summary.read_text(encoding="utf-8").startswith(f"### Rendered projects, compared with {BASE}\n\n**level 0**")


def test_base_that_does_not_exist_is_one_line(diff):
    done = diff("never")
    assert (done.returncode, done.stderr) == (
        1,
        "make diff: BASE=never is no branch, tag or commit of this repository\n",
    )
