"""A level that does not exist yet: its folder, and its entries in copier.yml and the catalogue, are all that these tests need."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness.lifting import NOW
from harness.template import git, levels

NEXT = levels()[-1] + 1
FILES = {
    "drift.yaml": "# Managed by copier-mlops: an update merges with your edits.\n" + "limit: 0.1\n" * 9,
    "src/{{ package_name }}/drift.py": "# Managed by copier-mlops: an update merges with your edits.\n\nLIMIT = 0.1\n",
    "limits.yaml": "# The team's own.\nlimit: 0.1\n",  # a seed
    "tasks/level-N.toml": "# Managed by copier-mlops: an update merges with your edits.\n[tool.poe.tasks]\n",
}
# What each new level changes in files that there are, as text behind which something is put.
ENTRIES = {
    "copier.yml": {
        "    /expectations/raw.yaml\n    {% endif %}\n": "    {% if applied_level >= N %}\n    /limits.yaml\n    {% endif %}\n",
        "    1 Pipeline: 1\n": "    N Next: N\n",
        "{{ '.' if level >= 1 else '' }}\"\n  when: false\n": (
            "\nlevel_N:\n  type: str\n  default: \"{{ '.' if level >= N else '' }}\"\n  when: false\n"
        ),
    },
    "template/{{ level_0 }}/pyproject.toml.jinja": {
        "include = [\n": '#% if level >= N\n  "tasks/level-N.toml",\n#% endif\n',
        "# The rest is written by `poe level`.\n\n": '#% if level >= N\nnext = ["evidently>=0.7"]\n\n#% endif\n',
    },
}
CATALOGUE = (
    'first_task = "train"\nfirst_result = "trains"\n\n[[levels.capabilities]]\nname = "Next"\nwhat = "is next"\n'
)


@pytest.fixture
def repository_with_next_level(template: Path, tmp_path: Path) -> Path:
    """Return this repository, tests and all, with one more level."""
    clone = shutil.copytree(template, tmp_path / "copier-mlops")
    for path, text in FILES.items():
        file = clone / "template" / f"{{{{ level_{NEXT} }}}}" / numbered(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path, entries in ENTRIES.items():
        text = (clone / path).read_text()
        for place, entry in entries.items():
            assert text.count(place) == 1, place
            text = text.replace(place, place + numbered(entry))
        (clone / path).write_text(text)
    catalogue = clone / "extensions" / "catalogue.toml"
    planned = re.compile(rf"(?<=^number = {NEXT}\n)(name = .*\n)released = false\n(summary = .*\n)", re.MULTILINE)
    text, found = planned.subn(rf"\1released = true\n\2{CATALOGUE}".replace("\n", r"\n"), catalogue.read_text())
    assert found == 1
    catalogue.write_text(text)
    git("add", "--all", folder=clone)
    git("commit", "--quiet", "--message", "The next level", folder=clone)
    git("tag", "--delete", NOW, folder=clone)  # the tests in there give it to their own working tree
    return clone


def numbered(text: str) -> str:
    """Return a text in which N is the number of the next level."""
    return re.sub(r"\bN\b|(?<=_)N\b", str(NEXT), text)


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
    slow = ("raised_equals_fresh", "next_version", "histories", "kind1")  # many lifts, and all levels are alike to them
    printed = run_tests(repository_with_next_level, "-k", " and ".join(f"not {name}" for name in slow))
    for test in ("odd_names", "level_only_adds_files", "edits_of_a_year", "no_edit_of_a_shared_file_goes_astray"):
        for low in (0, NEXT - 1):
            assert re.search(rf"test_\w*{test}\w*\[{low}-{NEXT}\b", printed), f"{test} from {low} to {NEXT}"
    assert "test_steps_equal_a_jump" in printed


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(NEXT > 3, reason="all levels are there")
def test_next_level_with_all_options_versions_and_histories(repository_with_next_level):
    assert "test_histories" in run_tests(repository_with_next_level)
