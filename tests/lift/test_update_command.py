"""`copier-mlops update`: checks what an update makes of a project, and proposes it as a pull request."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.github import GitHub, edit_and_push, on_github
from harness.lifting import LOW, difference, release_edit, run_tool, tree, with_answers
from harness.template import ANSWERS_FILE, Project, git

from copier_mlops.commands import update
from copier_mlops.lift import Outcome
from copier_mlops.merging import Merged
from copier_mlops.report import Check, text

GATE = "src/customer_churn/pipeline/gate.py"
SOURCE = f"template/{{{{ level_0 }}}}/{GATE}".replace("customer_churn", "{{ package_name }}")
WORKFLOW = ".github/workflows/template-update.yml"
NOTHING = "Nothing to do: the repository is up to date with the template.\n"


@pytest.fixture
def later(template: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return the template with later versions, each of which changes some text of one file."""
    folder = tmp_path / "copier-mlops"

    def later(*versions: tuple[str, str, str, str]) -> Path:
        if not folder.exists():
            shutil.copytree(template, folder)
        for version in versions:
            release_edit(folder, *version)
        return folder

    return later


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Put a stand-in for uv on the PATH, whose commands with a given word fail; return those that were run."""
    folder = tmp_path / "uv"
    folder.mkdir()
    (folder / "failing").touch()
    (folder / "uv").write_text(
        f'#!/bin/sh\necho "$*" >> "{folder}/run"\necho "output of $*"\n'
        f'while read -r word; do case "$*" in *"$word"*) exit 1;; esac; done < "{folder}/failing"\n'
        f'[ "$*" = sync ] && [ -f uv.lock ] && echo "# Locked" >> uv.lock\necho "# By a test" >> {GATE}\nexit 0\n'
    )
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def checks(*, fail: str = "") -> list[str]:
        (folder / "failing").write_text(f"{fail}\n" if fail else "")
        return (folder / "run").read_text().splitlines() if (folder / "run").exists() else []

    return checks


@pytest.fixture
def project(lived_in: Callable[..., Project], later: Callable[..., Path]) -> Project:
    """Return a project with a lock file whose template may get later versions."""
    project = lived_in(LOW)
    (project.path / "uv.lock").write_text("# Lock\n")
    return with_answers(project, _src_path=str(later()))


@pytest.fixture
def github(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """Return a stand-in for GitHub which has the project."""
    github = on_github(project, tmp_path / "github")
    for name, value in github.variables.items():
        monkeypatch.setenv(name, value)
    return github


def propose(github: GitHub, tmp_path: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Do what the two jobs of the workflow do, each in a shallow clone of its own, as it gets from GitHub."""
    proposal = tmp_path / f"proposal-{name}"
    for job, arguments in (("update", ("--propose", proposal)), ("propose", ("--open", proposal))):
        clone = tmp_path / f"{job}-{name}"
        git("clone", "--quiet", "--depth=1", github.remote.as_uri(), clone, folder=tmp_path)
        done = run_tool(clone, "update", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        if done.returncode or not proposal.exists():
            return done
    return done


FIRST = ("v1000.0.0", SOURCE, 'PLACE = "', 'PLACE = "Later, ')
SECOND = ("v1001.0.0", SOURCE, 'PLACE = "Later, ', 'PLACE = "Even later, ')


def test_by_hand_it_updates_and_checks_the_result(project, later, checks):
    done = run_tool(project.path, "update")
    assert (done.returncode, checks()) == (0, [])
    assert "Nothing to do" in done.stdout
    later(FIRST)
    done = run_tool(project.path, "update")
    assert done.returncode == 0, done.stderr
    assert checks() == ["sync", "run poe lint", "run poe test"]
    assert f"Changed files:\n  {GATE}\n" in done.stdout
    assert 'PLACE = "Later, ' in project.text(GATE)


def test_by_hand_a_check_that_fails_on_the_result_is_named(project, later, checks):
    later(FIRST)
    checks(fail="poe lint")
    done = run_tool(project.path, "update")
    assert done.returncode == 1
    assert checks() == ["sync", "run poe lint", "run poe test"], "the tests are run, too"
    assert done.stdout.endswith("`uv run poe lint` failed on the result; its output is above.\n")


def test_what_cannot_be_installed_is_not_checked(project, later, checks):
    later(FIRST)
    checks(fail="sync")
    assert run_tool(project.path, "update").returncode == 1
    assert checks() == ["sync"]


def test_uncommitted_changes_are_refused(project, later, checks, tmp_path):
    later(FIRST)
    (project.path / GATE).write_text("# Not committed\n")
    before = tree(project)
    done = run_tool(project.path, "update", "--propose", tmp_path / "proposal")
    assert done.returncode == 1
    assert done.stderr == (
        f"copier-mlops: commit or stash these first, so that the update stays separate from them:\n M {GATE}\n"
    )
    assert difference(tree(project), before) == ""
    assert checks() == []


def test_one_pull_request_is_opened_and_renewed(project, later, checks, github, tmp_path):
    assert propose(github, tmp_path, "nothing").stdout == NOTHING
    assert (github.calls, checks()) == ([], [])

    later(FIRST)
    assert propose(github, tmp_path, "first").stdout == "Opened https://github.com/ada/churn/pull/1\n"
    (opened,) = github.pull_requests
    assert (opened["title"], opened["draft"]) == ("Update the template from v999.0.0 to v1000.0.0", False)
    assert opened["base"] == git("branch", "--show-current", folder=project.path).strip()
    assert f"## Changed files\n\n- `{GATE}`\n" in opened["body"]
    assert "| `uv run poe test` | passed |\n" in opened["body"]
    updated = github.text("template-update", GATE)
    assert 'PLACE = "Later, ' in updated
    assert "# By a test" not in updated
    assert github.text("template-update", "uv.lock") == "# Lock\n# Locked\n"
    assert "_commit: v1000.0.0" in github.text("template-update", ANSWERS_FILE)
    first = github.commit("template-update")

    propose(github, tmp_path, "the same")
    assert github.commit("template-update") == first, "no workflow starts for nothing new"
    checks(fail="poe test")
    later(SECOND)
    assert propose(github, tmp_path, "second").stdout == "Renewed https://github.com/ada/churn/pull/1\n"
    (renewed,) = github.pull_requests
    assert renewed["title"] == "Update the template from v999.0.0 to v1001.0.0"
    assert "| `uv run poe test` | **failed** |\n" in renewed["body"]
    assert "```text\noutput of run poe test\n```" in renewed["body"]
    assert github.text("template-update~", GATE) == project.text(GATE), "one commit on what it updates"

    github.end("CLOSED")
    assert propose(github, tmp_path, "closed").stdout.startswith("Nothing to do: 'Update the template from v999.0.0 to")
    assert len(github.pull_requests) == 1


def test_conflict_is_a_draft_that_names_the_file_until_it_is_gone(project, later, checks, github, tmp_path):
    edit_and_push(project, GATE, 'PLACE = "', 'PLACE = "Ours, ')
    later(FIRST)
    assert propose(github, tmp_path, "first").stdout == "Opened a draft: https://github.com/ada/churn/pull/1\n"
    (draft,) = github.pull_requests
    assert draft["title"] == "Update the template from v999.0.0 to v1000.0.0: 1 file in conflict"
    assert draft["draft"]
    about = draft["body"].partition("## Conflicts\n")[2]
    assert f"\n- `{GATE}`\n" in about
    assert "git fetch && git switch template-update" in about
    assert "none was run on this update" in about
    assert "## Checks" not in about
    assert checks() == []
    shown = github.text("template-update", GATE)
    assert '=======\nPLACE = "Later, ' in shown
    assert 'PLACE = "Ours, ' in shown

    edit_and_push(project, GATE, 'PLACE = "Ours, ', 'PLACE = "Later, ')
    propose(github, tmp_path, "second")
    (ready,) = github.pull_requests
    assert (ready["title"], ready["draft"]) == ("Update the template from v999.0.0 to v1000.0.0", False)
    assert "## Conflicts" not in ready["body"]


def test_branch_with_commits_of_the_team_is_left_alone(project, later, checks, github, tmp_path):
    later(FIRST)
    propose(github, tmp_path, "first")
    git("fetch", "--quiet", "origin", folder=project.path)
    git("switch", "--quiet", "template-update", folder=project.path)
    edit_and_push(project, "README.md", "## Start", "## Begin")
    ours, before = github.commit("template-update"), github.pull_requests
    later(SECOND)
    done = propose(github, tmp_path, "second")
    assert done.returncode == 0
    assert done.stdout.startswith("Nothing to do: template-update has commits of yours.")
    assert (github.commit("template-update"), github.pull_requests) == (ours, before)

    github.end("MERGED")
    assert propose(github, tmp_path, "third").stdout == "Opened https://github.com/ada/churn/pull/2\n"
    assert github.commit("template-update") != ours


def test_refused_push_is_one_line_with_what_to_set(project, later, checks, github, tmp_path):
    github.refuse(WORKFLOW)
    later(("v1000.0.0", f"template/{{{{ level_0 }}}}/{WORKFLOW}", "timeout-minutes: 60", "timeout-minutes: 59"))
    done = propose(github, tmp_path, "first")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "copier-mlops: GitHub refused the push: the update changes files in .github/workflows/,"
    )
    assert "Set UPDATE_TOKEN as docs/levels/0.md describes" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "`UPDATE_TOKEN`" in project.text("docs/levels/0.md")
    assert github.pull_requests == []


@pytest.mark.parametrize(
    ("command", "message", "shown"),
    [
        (
            "pr create",
            "GitHub Actions is not permitted to create or approve pull requests (createPullRequest)",
            "allow it in Settings -> Actions -> General",
        ),
        ("pr list", "HTTP 401: Bad credentials", "copier-mlops: HTTP 401: Bad credentials\n"),
    ],
)
def test_what_github_refuses_is_one_line(project, later, checks, github, tmp_path, command, message, shown):
    later(FIRST)
    github.fail(command, message)
    done = propose(github, tmp_path, "first")
    assert done.returncode == 1
    assert shown in done.stderr
    assert done.stderr.count("\n") == 1


def test_repository_without_drafts_gets_a_pull_request_whose_title_names_the_conflict(
    project, later, checks, github, tmp_path
):
    edit_and_push(project, GATE, 'PLACE = "', 'PLACE = "Ours, ')
    later(FIRST)
    github.fail("pr create --draft", "GraphQL: Draft pull requests are not supported in this repository.")
    of_a_fork = {
        "number": 1,
        "head": "template-update",
        "isCrossRepository": True,
        "state": "OPEN",
        "title": "",
        "url": "",
    }
    github.keep([of_a_fork])
    assert propose(github, tmp_path, "first").returncode == 0
    unchanged, opened = github.pull_requests
    assert unchanged == of_a_fork
    assert (opened["draft"], opened["title"].rpartition(": ")[2]) == (False, "1 file in conflict")


def test_folder_without_a_proposal_is_refused(project, tmp_path):
    done = run_tool(project.path, "update", "--open", tmp_path / "nothing")
    assert "has no update" in done.stderr
    assert done.returncode == 1


def outcome(**lists: Any) -> Outcome:
    """Return an outcome in which only the given lists are not empty."""
    none = {name: [] for name in ("new", "changed", "gone", "conflicts", "kept", "foreign", "moved")}
    merged = Merged(**none, staged="")
    merged = replace(merged, **{name: value for name, value in lists.items() if name in none})
    others = {name: lists.get(name, []) for name in ("ignored", "missing", "newer_seeds")}
    before = {"_commit": "v1.0.0", "_answers_file": ANSWERS_FILE}
    return Outcome(merged=merged, **others, before=before, answers={**before, "_commit": "v2.0.0", "tracker": "mlflow"})


def test_text_has_all_that_did_not_arrive_and_how_to_get_it():
    found = text(
        outcome(
            kept=["a.py"],
            ignored=["b.py"],
            missing=["c.py"],
            newer_seeds=["d.py"],
            new=["b.py"],
            gone=["e.py"],
            foreign=["f.py"],
        ),
        [Check("uv sync", passed=True, output="")],
        "main",
        "template-update",
    )
    sections = {part.partition("\n")[0]: part for part in found.split("\n## ")}
    assert [*sections][1:] == [
        "Checks",
        "New files",
        "Deleted files",
        "New answers",
        "Did not arrive: yours",
        "Did not arrive: not in this repository",
        "Did not arrive: yours from before",
        "Kept",
        "Ignored by Git",
    ]
    assert "- `d.py`" in sections["Did not arrive: yours"]
    assert "poe level --take FILE" in sections["Did not arrive: not in this repository"]
    assert "- `a.py`" in sections["Kept"]


def test_output_of_a_failed_check_cannot_leave_its_block_and_fits_a_pull_request():
    printed = "\x1b[31m```\n@everyone\n" + "x" * 100_000 + "\n" * 10 + "end\n" * 20
    found = text(outcome(), [Check("uv run poe test", passed=False, output=printed)], "main", "template-update")
    assert "````text\n```\n@everyone\n" in found
    assert "\x1b" not in found
    assert len(found) < 20_000


def test_proposal_is_what_the_two_jobs_share_also_in_a_folder_of_a_larger_repository(project, later, checks, tmp_path):
    later(FIRST)
    whole, summary = tmp_path / "whole", tmp_path / "summary.md"
    folder = Path(shutil.copytree(project.path, whole / "services" / "churn", ignore=shutil.ignore_patterns(".git")))
    git("init", "--quiet", folder=whole)
    git("add", "--all", folder=whole)
    git("commit", "--quiet", "--message", "All", folder=whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        run_tool(folder, "update", "--propose", tmp_path / "proposal")
    git("fetch", "--quiet", tmp_path / "proposal" / "update.bundle", "template-update", folder=whole)
    changed = git("diff", "--name-only", "HEAD", "FETCH_HEAD", folder=whole).splitlines()
    assert changed == [f"services/churn/{path}" for path in (ANSWERS_FILE, GATE, "uv.lock")]
    assert {path.name for path in (tmp_path / "proposal").iterdir()} == {
        "pull_request.json",
        "pull_request.md",
        "update.bundle",
    }
    about = json.loads((tmp_path / "proposal" / "pull_request.json").read_text())
    assert summary.read_text().startswith(f"# {about['title']}\n\nVersion `v1000.0.0` of the template")


def test_lint_and_tests_of_a_new_version_get_no_token(tmp_path, monkeypatch):
    monkeypatch.setattr(update, "CHECKS", ("env",))
    monkeypatch.setenv("TEMPLATE_TOKEN", "secret")
    (done,) = update.check(tmp_path)
    assert "NO_COLOR=1" in done.output
    assert "secret" not in done.output
