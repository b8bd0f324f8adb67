"""`copier-mlops adopt` lays a level over repositories of others, and changes nothing of theirs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from harness.adoption import FOREIGN, Foreign
from harness.lifting import LATER, NOW, lift, run_tool
from harness.template import Project, git, levels

from copier_mlops.adoption.functions import found_in
from copier_mlops.adoption.pyproject import added
from copier_mlops.maturity.repository import Repository

BLOCKS = ("pyproject.toml", ".gitignore")


@pytest.fixture
def adopt(template: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command, as a user in another folder."""

    def adopt(folder: Path, *arguments: str, rc: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_tool(tmp_path, "adopt", folder, "--template", template, "--defaults", *arguments)
        assert done.returncode == rc, done.stdout + done.stderr
        return done

    return adopt


def written(shape: Foreign, tmp_path: Path) -> Path:
    (tmp_path / "churn").mkdir()
    return shape.write(tmp_path / "churn")


def contents(folder: Path) -> dict[str, bytes]:
    names = [path for path in git("ls-files", "-z", folder=folder).split("\0") if path]
    return {path: (folder / path).read_bytes() for path in names}


def is_kept(before: bytes, after: bytes) -> bool:
    """Return whether all lines are still there, in their order, with others between or after them."""
    lines = iter(after.splitlines(keepends=True))
    return all(line in lines for line in before.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("shape", "level"),
    [*((shape, 0) for shape in FOREIGN), *((shape, 1) for shape in FOREIGN if shape.notes)],
    ids=lambda each: getattr(each, "name", None),
)
def test_adopted_repository_keeps_each_byte_and_is_lifted_without_conflict(shape, level, adopt, tmp_path):
    folder = written(shape, tmp_path)
    before = contents(folder)
    listed = adopt(folder, "--level", str(level), "--dry-run").stdout
    assert contents(folder) == before
    printed = adopt(folder, "--level", str(level)).stdout
    assert printed.startswith(listed)
    assert ("GitHub reads .github only at the root" in printed) == (shape.folder != ".")
    for one in (*shape.found, *shape.notes):
        assert one in printed
    after = contents(folder)
    assert {path: text for path, text in before.items() if path not in BLOCKS and after[path] != text} == {}
    assert all(is_kept(before[path], after[path]) for path in BLOCKS if path in before)
    assert git("status", "--porcelain", folder=folder) == ""
    assert yaml.safe_load((folder / ".copier-answers.yml").read_text())["adopted"] is True
    if level == 0:
        (folder / "notes.txt").write_text("later")
        git("add", "--all", folder=folder)
        git("commit", "--quiet", "--message", "Later", folder=folder)
        assert lift(Project(folder, {}), 1).conflicts == []
        assert (folder / "config/serving.yaml").exists()
        assert "pipeline = [" in (folder / "pyproject.toml").read_text()
        now = contents(folder)
        assert {path: text for path, text in before.items() if path not in BLOCKS and now[path] != text} == {}
        git("reset", "--quiet", "--hard", "HEAD~1", folder=folder)
    git("revert", "--no-edit", "HEAD", folder=folder)
    assert contents(folder) == before


def test_level_that_is_adopted_at_once_is_the_one_that_is_lifted_to(adopt, tmp_path):
    level = levels()[-1]
    at_once, in_steps = (FOREIGN[0].write(tmp_path / name / "churn") for name in ("at-once", "in-steps"))
    adopt(at_once, "--level", str(level))
    adopt(in_steps)
    assert lift(Project(in_steps, {}), level).conflicts == []
    git("add", "--all", folder=in_steps)
    lifted, adopted = contents(in_steps), contents(at_once)
    assert lifted.keys() == adopted.keys()
    assert {path for path, text in lifted.items() if text != adopted[path]} == set()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pyproject.toml": '[project]\nname = "a"\nrequires-python = "~=3.10.0"\n'}, "one of Python 3.11 to 3.13"),
        ({"pyproject.toml": "[project\n"}, "pyproject.toml is not valid"),
        ({"pyproject.toml": "[dependency-groups]\ntrain = []\n"}, "train in [dependency-groups] is yours"),
        ({"pyproject.toml": '[tool]\npoe = { include = "a.toml" }\n'}, "include in [tool.poe] is yours"),
        ({"pyproject.toml": "[tool]\nuv = { managed = true }\n"}, "headers of their own"),
        ({"pyproject.toml": "[tool.black]\r\nline-length = 88\n"}, "two kinds of line ends"),
        ({"tasks": "none\n"}, "tasks is a file or link here"),
        ({"copier.yml": "name: {type: str}\n"}, "is a template itself"),
        ({".copier-answers.yml": "package_name: churn\n"}, "`uv run poe level` lifts it"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_cannot_be_adopted_is_refused_in_one_line_and_unchanged(files, message, adopt, tmp_path):
    folder = Foreign("", files, "", "", ()).write(tmp_path / "churn")
    refused = adopt(folder, rc=1).stderr
    assert refused.startswith("copier-mlops: ")
    assert message in refused
    assert "Traceback" not in refused
    assert git("status", "--porcelain", "--ignored", folder=folder) == ""


def test_folder_without_commit_and_one_with_changes_are_refused(adopt, tmp_path):
    (tmp_path / "churn").mkdir()
    assert "has no commit yet" in adopt(tmp_path / "churn", rc=1).stderr
    folder = Foreign("", {"a.py": ""}, "", "", ()).write(tmp_path / "churn")
    (folder / "a.py").write_text("1")
    assert "commit or stash these first" in adopt(folder, rc=1).stderr
    assert "is no folder" in adopt(tmp_path / "none", rc=1).stderr


def test_hook_that_refuses_the_commit_leaves_all_as_it_was(adopt, tmp_path):
    folder = Foreign("", {"a.py": "", ".gitignore": "tasks/\n"}, "", "", ()).write(tmp_path / "churn")
    hook = folder / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'no large commits' >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = adopt(folder, rc=1).stderr
    assert "the commit was refused" in refused
    assert "no large commits" in refused
    assert {path.name for path in folder.iterdir()} == {".git", "a.py", ".gitignore"}
    assert git("status", "--porcelain", folder=folder) == ""
    adopt(folder, "--no-verify")
    assert "tasks/levels.toml" in git("ls-files", folder=folder)  # although their file ignores it


def test_answers_come_from_the_metadata_of_the_repository(adopt, tmp_path):
    text = """[project]
name = "claim-cost"
description = "What a claim costs"
authors = [{ name = "Ada", email = "ada@example.com" }]
dependencies = ["xgboost"]
"""
    files = {"pyproject.toml": text, "Jenkinsfile": "", "claim_cost/a.py": "XGBRegressor().fit(x, y)\n"}
    folder = Foreign("", files, "", "", ()).write(tmp_path / "x")
    git("remote", "add", "origin", "https://user:token@github.com/insurer/claims.git", folder=folder)
    adopt(folder, "--level", "1", "--data", "data_remote=s3")
    answers = yaml.safe_load((folder / ".copier-answers.yml").read_text())
    expected = {
        "author": "Ada <ada@example.com>",
        "ci": "github+jenkins",
        "data_remote": "s3",
        "framework": "xgboost",
        "owner": "insurer",
        "package_name": "claim_cost_ml",
        "problem_type": "regression",
        "project_description": "What a claim costs",
        "project_name": "Claim cost",
        "repository_url": "https://github.com/insurer/claims",
    }
    assert {name: answers[name] for name in expected} == expected
    assert "there is no question colour" in adopt(written(FOREIGN[0], tmp_path), "--data", "colour=red", rc=1).stderr


def test_their_file_wins_when_a_level_or_a_version_brings_one_of_that_name(adopt, tmp_path):
    folder = Foreign("", {"a.py": "", "Dockerfile": "FROM scratch\n"}, "", "", ()).write(tmp_path / "churn")
    adopt(folder)
    lifted = lift(Project(folder, {}), 1)
    assert lifted.conflicts == []
    assert (folder / "Dockerfile").read_text() == "FROM scratch\n"


def test_their_file_wins_when_a_version_changes_one_of_that_name(adopt, versions, tmp_path):
    files = {"tests/conftest.py": "import pytest\n", "AGENTS.md": "# Ours\n\nNo new packages.\n"}
    folder = Foreign("", files, "", "", ()).write(tmp_path / "churn")
    adopt(folder, "--template", str(versions), "--vcs-ref", NOW)
    lifted = lift(Project(folder, {}), version=LATER)
    assert lifted.conflicts == []
    assert {path: (folder / path).read_text() for path in files} == files
    assert "# New" in (folder / "tests/test_stages.py").read_text()


def test_block_goes_to_the_ends_of_tables_that_are_there():
    text = '[tool.uv] # ours\nmanaged = true\n\n[other]\nlist = [\n  "[tool.poe]",\n]\n'
    result, kept = added(
        text, "# New\n[tool.uv]\nmanaged = false\ndefault-groups = 'all'\n\n[tool.poe]\ninclude = []\n"
    )
    assert kept == ["[tool.uv] managed"]
    assert (
        result
        == text.replace("managed = true\n", "managed = true\ndefault-groups = 'all'\n")
        + "\n# New\n\n[tool.poe]\ninclude = []\n"
    )


def test_function_is_listed_by_what_its_name_is_about(tmp_path):
    text = "def train(frame):\n    return Ridge().fit(frame.fillna(0), frame)\n\n\ndef fill(frame):\n    return frame.fillna(0)\n"
    (tmp_path / "a.py").write_text(text)
    found = {module: [str(one) for one in some] for module, some in found_in(Repository(tmp_path)).items()}
    assert found == {"data.py": [], "features.py": ["a.py:5 fill(frame)"], "model.py": ["a.py:1 train(frame)"]}
