"""`copier-mlops level`: lists what changes, changes it, and names what is in the way."""

import errno
import os
import pty
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from copier import run_copy
from harness.lifting import (
    HIGH,
    LOW,
    NEWEST,
    NOW,
    TOOL,
    commit,
    difference,
    edit,
    level_of,
    lift_by_copier,
    release,
    repository,
    run_level,
    tree,
    with_answers,
)
from harness.template import ANSWERS_FILE, Project, git, levels

from copier_mlops.cli import main
from copier_mlops.merging import Merged

UNDO = "git reset --hard && git clean -fd"


def refused(project: Project, *arguments: str) -> str:
    """Run the command, expect that it refuses and changes nothing, and return its message."""
    before = tree(project)
    done = run_level(project, *arguments)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("copier-mlops: ")
    assert difference(tree(project), before) == ""
    return done.stderr


def edit_what_belongs_to_the_level(project: Project) -> None:
    """Do what cannot be merged with a higher level."""
    edit(project, "tasks/levels.toml", '"level-0.toml",', '"ours.toml",')
    commit(project, "Edit what belongs to the level")


def test_without_a_number_it_lists_the_levels(lived_in):
    done = run_level(lived_in(LOW))
    assert f"-> {LOW} Manual" in done.stdout
    assert all(f"{number} " in done.stdout for number in levels())


def test_it_raises_and_prints_what_to_do_next(lived_in, render):
    project = lived_in(LOW)
    done = run_level(project, str(HIGH))
    assert done.returncode == 0, done.stderr
    assert "New files:\n  .dockerignore\n  .dvc/.gitignore\n" in done.stdout
    assert "Changed files:\n  AGENTS.md\n  pyproject.toml\n  tasks/levels.toml\n" in done.stdout
    assert "uv run poe pipeline" in done.stdout
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""


def test_dry_run_shows_the_same_and_changes_nothing(lived_in):
    project = lived_in(LOW)
    done = run_level(project, str(HIGH), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "New files:\n  .dockerignore\n  .dvc/.gitignore\n" in done.stdout
    assert git("status", "--porcelain", folder=project.path) == ""


@pytest.mark.parametrize("conflict", [False, True])
def test_undo_as_it_is_printed_brings_everything_back(lived_in, conflict):
    project = lived_in(LOW)
    if conflict:
        edit_what_belongs_to_the_level(project)
    before = tree(project)
    assert UNDO in run_level(project, str(HIGH)).stdout
    assert difference(tree(project), before) != ""
    for command in UNDO.split(" && "):
        project.run(*command.split())
    assert difference(tree(project), before) == ""


def test_conflicts_are_listed_and_fail(lived_in):
    project = lived_in(LOW)
    edit_what_belongs_to_the_level(project)
    dry = run_level(project, str(HIGH), "--dry-run")
    assert dry.returncode == 1
    assert git("status", "--porcelain", folder=project.path) == ""
    done = run_level(project, str(HIGH))
    assert done.returncode == 1
    assert "changes:\n  tasks/levels.toml\n" in dry.stdout
    assert "changes:\n  tasks/levels.toml\n" in done.stdout
    assert git("diff", "--name-only", "--diff-filter=U", folder=project.path) == "tasks/levels.toml\n"
    assert "uv run poe pipeline" in done.stdout
    assert "First resolve the conflicts" in done.stdout
    assert f"Now: uv sync, read `git diff`, then git add . && git commit. To undo all instead: {UNDO}" in done.stdout


def test_environment_with_many_files_is_no_obstacle(lived_in):
    """Copier names what Git ignores on a command line, which has an end."""
    project = lived_in(LOW)
    edit_what_belongs_to_the_level(project)
    folder = project.path / ".venv" / "lib" / ("long" * 25)
    folder.mkdir(parents=True)
    for number in range(9000):
        (folder / f"{number:0>125}").touch()
    done = run_level(project, str(HIGH))
    assert done.stderr == ""
    assert "changes:\n  tasks/levels.toml\n" in done.stdout


def test_present_level_needs_nothing(lived_in):
    assert "Nothing to do" in run_level(lived_in(LOW), str(LOW)).stdout


def test_lowering_names_the_files_and_needs_an_option(lived_in):
    project = lived_in(HIGH)
    assert "Add --allow-lowering" in refused(project, str(LOW))
    assert "dvc.yaml" in run_level(project, str(LOW), "--dry-run").stdout
    assert run_level(project, str(LOW), "--allow-lowering").returncode == 0
    assert level_of(project) == LOW
    assert not (project.path / "dvc.yaml").exists()
    assert not (project.path / "deploy").exists(), "no empty folder stays"


def test_newer_template_is_taken_at_the_same_level(lived_in, template, tmp_path):
    later = shutil.copytree(template, tmp_path / "later")
    project = with_answers(lived_in(LOW), _src_path=str(later))
    (later / "template/{{ level_0 }}/.gitignore.jinja").write_text("# New\n")
    release(later, "v1000.0.0")
    dry = run_level(project, "--update", "--dry-run")
    assert "Changed files:\n  .gitignore\nVersion of the template: v999.0.0 -> v1000.0.0\n" in dry.stdout
    assert git("status", "--porcelain", folder=project.path) == ""
    done = run_level(project, "--update")
    assert done.returncode == 0
    assert "To undo all instead" in done.stdout
    assert "uv run poe train" not in done.stdout, "that is for those who are new to the level"
    assert project.text(".gitignore") == "# New\n"
    assert level_of(project) == LOW
    commit(project, "Update")
    assert "Nothing to do" in run_level(project, "--update").stdout


def test_edit_stays_where_it_is_though_the_newer_template_has_a_look_alike_above(lived_in, template, tmp_path):
    """Copier alone moves it into the look-alike, without a message."""
    path = ".github/workflows/ci.yml"
    project = lived_in(1)
    text = project.text(path)
    job = text.partition("  data:\n")[2].partition("\n  model:")[0]
    edited = job.replace("persist-credentials: false", "persist-credentials: true")
    (project.path / path).write_text(text.replace(job, edited))
    later = shutil.copytree(template, tmp_path / "later")
    with_answers(project, _src_path=str(later))
    with_look_alike = text.replace("  data:\n", f"  look-alike:\n{job}\n  data:\n    continue-on-error: true\n")
    (later / "template/{{ level_1 }}" / path).write_text(with_look_alike)
    release(later, "v1000.0.0")
    expected = with_look_alike.replace(f"true\n{job}", f"true\n{edited}")
    by_copier = repository(project, tmp_path / "by Copier")
    assert lift_by_copier(by_copier, version=NEWEST).conflicts == []
    assert by_copier.text(path) != expected
    assert run_level(project, "--update").returncode == 0
    assert project.text(path) == expected


QUESTION = """
tracker:
  type: str
  help: Which tracker?
  choices: [mlflow, wandb]
  default: mlflow
  when: "{{ maturity_level >= 1 }}"

# Hidden values
"""


@pytest.fixture
def with_a_question(lived_in, template, tmp_path) -> Project:
    """Return a project whose template asks one thing more from level 1 on."""
    asking = shutil.copytree(template, tmp_path / "asking")
    settings = asking / "copier.yml"
    settings.write_text(settings.read_text().replace("\n# Hidden values\n", QUESTION, 1))
    release(asking, NOW)
    return with_answers(lived_in(LOW), _src_path=str(asking))


def test_only_new_questions_are_asked(with_a_question, render):
    recorded = yaml.safe_load(with_a_question.text(ANSWERS_FILE))
    wanted = yaml.safe_load(render(maturity_level=HIGH).text(ANSWERS_FILE))
    given = [f"--data={name}={wanted[name]}" for name in wanted.keys() - recorded.keys()]
    printed, keys = b"", b"\x1b[B\r"  # down, enter
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [*TOOL, "level", "1", *given],
        cwd=with_a_question.path,
        stdin=other,
        stdout=other,
        stderr=other,
    )
    os.close(other)
    with suppress(OSError):  # of Linux, when the other end closes
        while chunk := os.read(terminal, 4096):
            printed += chunk
            if b"Which tracker" in printed and keys:
                os.write(terminal, keys)
                keys = b""
    os.close(terminal)
    assert process.wait() == 0
    assert yaml.safe_load(with_a_question.text(ANSWERS_FILE))["tracker"] == "wandb"
    assert b"What is the project called?" not in printed


def test_without_a_terminal_it_takes_the_default_and_prints_it(with_a_question):
    _, _, answers = run_level(with_a_question, "1").stdout.partition("New answers:\n")
    assert "  tracker: mlflow\n" in answers


def test_answer_on_the_command_line(with_a_question):
    assert run_level(with_a_question, "1", "--data", "tracker=wandb").returncode == 0
    assert yaml.safe_load(with_a_question.text(ANSWERS_FILE))["tracker"] == "wandb"


def test_uncommitted_work_is_named(lived_in):
    project = lived_in(LOW)
    (project.path / "params.yaml").write_text("mine: 1\n")
    assert "commit or stash these first, so that the update stays separate from them:\n M params.yaml" in refused(
        project, str(HIGH)
    )


def test_without_a_commit(lived_in):
    project = lived_in(LOW)
    shutil.rmtree(project.path / ".git")
    assert "no commit yet: `git init -b main`" in refused(project, str(HIGH))
    git("init", "--quiet", folder=project.path)
    assert "no commit yet" in refused(project, str(HIGH))


def test_without_git(lived_in, monkeypatch, tmp_path):
    project = lived_in(LOW)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Git is not installed" in refused(project, str(HIGH))


@pytest.mark.parametrize("level", ["7", "-1"])
def test_level_that_there_is_not(lived_in, level):
    assert "not in [0, 1" in refused(lived_in(LOW), level)


def test_template_that_has_moved(lived_in):
    project = lived_in(LOW)
    with_answers(project, _src_path="/nowhere/template")
    assert (
        "the template is not at /nowhere/template: write its absolute path or its URL to _src_path in"
        f" {ANSWERS_FILE}, and to the commands `level` and `update` in tasks/level-0.toml, commit"
    ) in refused(project, str(HIGH))


def test_template_at_a_relative_path(lived_in):
    project = lived_in(LOW)
    with_answers(project, _src_path="../template")
    assert "the template is not at ../template" in refused(project, str(HIGH))


def test_template_that_was_no_repository(lived_in):
    project = lived_in(LOW)
    answers = yaml.safe_load(project.text(ANSWERS_FILE))
    del answers["_commit"]
    (project.path / ANSWERS_FILE).write_text(yaml.safe_dump(answers))
    commit(project, "As if the template had been a plain folder")
    assert "the template was no Git repository" in refused(project, str(HIGH))


def test_template_that_cannot_be_reached(lived_in):
    project = lived_in(LOW)
    with_answers(project, _src_path="https://127.0.0.1:9/copier-mlops.git")
    assert "127.0.0.1" in refused(project, str(HIGH))


def test_version_that_the_template_has_lost(lived_in):
    project = lived_in(LOW)
    with_answers(project, _commit="v3.1.4")
    assert "the template has lost the version" in refused(project, str(HIGH))


def test_project_of_a_template_with_uncommitted_changes(template, tmp_path):
    """Copier renders them, and records a commit that it throws away."""
    changed = shutil.copytree(template, tmp_path / "changed")
    (changed / "template/{{ level_0 }}/.gitignore.jinja").write_text("# Changed\n")
    answers = {"maturity_level": LOW}
    run_copy(str(changed), tmp_path / "made", answers, vcs_ref="HEAD", defaults=True, unsafe=True, quiet=True)
    project = repository(Project(tmp_path / "made", answers), tmp_path / "project")
    assert "was the project made from changes that were never committed?" in refused(project, str(HIGH))


def test_level_that_only_a_newer_version_of_the_template_has(template, lived_in, tmp_path):
    newest = levels()[-1]
    older = shutil.copytree(template, tmp_path / "older")
    settings = older / "copier.yml"
    without = re.sub(rf"    {newest} \w+: {newest}\n", "", settings.read_text())
    settings.write_text(without)
    release(older, "v998.0.0")
    project = with_answers(lived_in(LOW), _src_path=str(older), _commit="v998.0.0")
    refusal = refused(project, str(newest))
    assert (
        f"{newest} is not in {levels()[:-1]}: this level is in a newer version of the template; add --update" in refusal
    )
    assert run_level(project, str(newest), "--update").returncode == 0
    assert level_of(project) == newest


def test_template_without_tags(lived_in, template, tmp_path):
    untagged = shutil.copytree(template, tmp_path / "untagged")
    for tag in git("tag", folder=untagged).split():
        git("tag", "--delete", tag, folder=untagged)
    project = lived_in(LOW)
    with_answers(project, _src_path=str(untagged), _commit=git("rev-parse", "HEAD", folder=untagged).strip())
    assert run_level(project, str(HIGH)).returncode == 0
    assert level_of(project) == HIGH


@pytest.mark.parametrize("text", ["<<<<<<< before\n", "- 1\n", "project_name: Mine\n"])
def test_damaged_answers_file(lived_in, text):
    project = lived_in(LOW)
    (project.path / ANSWERS_FILE).write_text(text)
    commit(project, "Damage")
    assert f"{ANSWERS_FILE} is damaged" in refused(project, str(HIGH))


def test_no_answers_file(lived_in):
    project = lived_in(LOW)
    (project.path / ANSWERS_FILE).unlink()
    commit(project, "Delete")
    assert f"{ANSWERS_FILE} is missing" in refused(project, str(HIGH))


def test_misspelled_question(lived_in):
    message = refused(lived_in(LOW), str(HIGH), "--data", "framwork=xgboost")
    assert "there is no question framwork" in message
    assert "framework" in message
    assert "applied_level" not in message, "that is no question"


def test_ignored_file_in_the_way(lived_in):
    project = lived_in(LOW)
    (project.path / ".gitignore").write_text("/dvc.yaml\n")
    commit(project, "Ignore")
    (project.path / "dvc.yaml").write_text("mine: 1\n")
    refused(project, str(HIGH))
    assert project.text("dvc.yaml") == "mine: 1\n"


def test_edited_file_in_another_encoding_is_merged(lived_in):
    project = lived_in(LOW)
    page = project.path / "tasks/levels.toml"
    page.write_bytes("# Zoë's\n".encode("latin-1") + page.read_bytes())
    commit(project, "Edit")
    assert run_level(project, str(HIGH)).returncode == 0
    assert page.read_bytes().startswith("# Zoë's\n".encode("latin-1"))
    assert b'"level-1.toml"' in page.read_bytes()


def test_edited_file_that_git_cannot_merge_is_a_conflict(lived_in):
    project = lived_in(LOW)
    page = project.path / "tasks/levels.toml"
    page.write_text(page.read_text(), encoding="utf-16")
    mine = page.read_bytes()
    commit(project, "Edit")
    done = run_level(project, str(HIGH))
    assert done.returncode == 1
    assert "changes:\n  tasks/levels.toml\n" in done.stdout
    assert page.read_bytes() == mine


def test_own_file_that_differs_in_case_only(lived_in):
    """Where Git came to Windows or macOS, one of the two would hide the other."""
    project = lived_in(LOW)
    (project.path / "Dvc.yaml").write_text("mine: 1\n")
    commit(project, "Ours")
    assert "Dvc.yaml and a new file differ in case only" in refused(project, str(HIGH))


@pytest.mark.parametrize("kind", ["worktree", "shallow", "detached"])
def test_working_tree_of_another_kind(lived_in, render, tmp_path, kind):
    project = lived_in(LOW)
    (project.path / "ours.txt").write_text("Ours\n")
    commit(project, "Ours")
    commands = {
        "worktree": ("worktree", "add", "--quiet", "-b", "lift", tmp_path / "other"),
        "shallow": ("clone", "--quiet", "--depth=1", f"file://{project.path}", tmp_path / "other"),
        "detached": ("clone", "--quiet", project.path, tmp_path / "other"),
    }
    git(*commands[kind], folder=project.path)
    other = Project(tmp_path / "other", {})
    if kind == "detached":
        git("checkout", "--quiet", "--detach", folder=other.path)
    if kind == "worktree":  # its own branch is one commit ahead
        (other.path / "ours.txt").write_text("Ours, on the branch\n")
        commit(other, "Ours, on the branch")
    mine = other.text("ours.txt")
    assert run_level(other, str(HIGH)).returncode == 0
    found = {path: text for path, text in tree(other).items() if path != ".git"}
    assert found.pop("ours.txt").decode() == mine
    assert difference(found, tree(render(maturity_level=HIGH))) == ""


@pytest.mark.parametrize("is_undone", [True, False])
def test_full_disk_is_one_line_and_leaves_nothing_half_written(lived_in, monkeypatch, capfd, is_undone):
    project = lived_in(LOW)
    before = tree(project)

    def fail(clone: Path, folder: Path, merged: Merged) -> None:
        (folder / merged.new[0]).write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / merged.new[1]))

    monkeypatch.setattr("copier_mlops.lift.take_over", fail)
    if not is_undone:
        monkeypatch.setattr("copier_mlops.git.UNDO", "false")
    monkeypatch.chdir(project.path)
    with pytest.raises(SystemExit) as ended:
        main(["level", str(HIGH), "--defaults"])
    assert str(ended.value.code).endswith("cannot be read or written: No space left on device")
    assert "\n" not in str(ended.value.code)
    assert ("The update is incomplete" in capfd.readouterr().err) is not is_undone
    assert (difference(tree(project), before) == "") is is_undone


def test_update_that_was_killed_is_not_taken_for_edits(lived_in, monkeypatch):
    project = lived_in(LOW)
    before = tree(project)

    def die(clone: Path, folder: Path, merged: Merged) -> None:
        (folder / merged.changed[0]).write_text("half")
        os._exit(9)

    monkeypatch.chdir(project.path)
    if not (child := os.fork()):
        monkeypatch.setattr("copier_mlops.lift.take_over", die)
        main(["level", str(HIGH), "--defaults"])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (
        refused(project, str(HIGH)) == f"copier-mlops: an update was interrupted and is incomplete. Undo it: {UNDO}\n"
    )
    project.run("sh", "-c", UNDO)
    assert difference(tree(project), before) == ""
    assert run_level(project, str(HIGH)).returncode == 0
    assert "commit or stash these first" in refused(project, str(HIGH))


def test_repository_of_another_user_is_named_with_what_to_do(lived_in, monkeypatch):
    project = lived_in(LOW)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    message = refused(project, str(HIGH))
    assert "belongs to another user" in message
    assert "git config --global --add safe.directory" in message


def test_own_tasks_above_those_of_the_levels(lived_in):
    project = lived_in(LOW)
    edit(project, "pyproject.toml", '["tasks/levels.toml"]', '["tasks/ours.toml", "tasks/levels.toml"]')
    commit(project, "Our own tasks, above")
    done = run_level(project, str(HIGH))
    assert done.returncode == 0, done.stdout
    assert '["tasks/ours.toml", "tasks/levels.toml"]' in project.text("pyproject.toml")
