"""What could go wrong with an update, and what happens then."""

import shutil
import subprocess
import sys

import pytest
import yaml
from lifting import commit, difference, level_of, lift, tree
from support import ANSWERS_FILE, Project, git, levels

LOW, HIGH = levels()[0], levels()[-1]
COPIER = [sys.executable, "-m", "copier", "update", "--trust", "--defaults", "--vcs-ref", ":current:"]


def copier_update(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `copier update` as somebody does who does not know `poe level`."""
    return subprocess.run(
        [*COPIER, *arguments], cwd=project.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def is_untouched(project: Project) -> bool:
    return git("status", "--porcelain", folder=project.path) == ""


def edit(project: Project, path: str, old: str, new: str) -> None:
    text = project.text(path)
    assert old in text
    (project.path / path).write_text(text.replace(old, new, 1))


def test_copier_update_raises(lived_in, render):
    project = lived_in(LOW)
    assert copier_update(project, "--data", f"maturity_level={HIGH}").returncode == 0
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""


def test_copier_update_with_a_conflict_fails_and_lists_the_files(lived_in):
    project = lived_in(LOW)
    edit(project, "pyproject.toml", '  "tasks/level-0.toml",\n', '  "tasks/ours.toml",\n  "tasks/level-0.toml",\n')
    commit(project, "Edit what belongs to the level")
    done = copier_update(project, "--data", f"maturity_level={HIGH}")
    assert done.returncode != 0
    assert "meet in these files:\n  pyproject.toml" in done.stderr


def test_rejected_hunks_fail_too(lived_in):
    project = lived_in(LOW)
    edit(project, "pyproject.toml", '  "tasks/level-0.toml",\n', '  "tasks/ours.toml",\n  "tasks/level-0.toml",\n')
    commit(project, "Edit what belongs to the level")
    done = copier_update(project, "--data", f"maturity_level={HIGH}", "--conflict", "rej")
    assert done.returncode != 0
    assert "pyproject.toml.rej" in done.stderr


def test_lowering_is_refused_and_nothing_changes(lived_in):
    project = lived_in(HIGH)
    done = copier_update(project, "--data", f"maturity_level={LOW}")
    assert done.returncode != 0
    assert f"This repository is at level {HIGH}, and lowering it to {LOW} deletes files." in done.stderr
    assert is_untouched(project)


def test_lowering_is_done_if_it_is_allowed(lived_in):
    project = lived_in(HIGH)
    done = copier_update(project, "--data", f"maturity_level={LOW}", "--data", "allow_lowering=true")
    assert done.returncode == 0, done.stderr
    assert level_of(project) == LOW
    assert "allow_lowering" not in project.text(ANSWERS_FILE)


def test_level_edited_in_the_answers_file_is_a_proper_raise(lived_in, render):
    project = lived_in(LOW)
    edit(project, ANSWERS_FILE, f"maturity_level: {LOW}", f"maturity_level: {HIGH}")
    commit(project, "We thought that this is how")
    assert copier_update(project).returncode == 0
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""


def test_level_lowered_in_the_answers_file_is_put_back(lived_in, render):
    project = lived_in(HIGH)
    edit(project, ANSWERS_FILE, f"maturity_level: {HIGH}", f"maturity_level: {LOW}")
    commit(project, "We thought that this is how")
    assert copier_update(project).returncode == 0
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""


def test_misspelled_question_is_ignored_by_copier(lived_in):
    """Copier's own behaviour: so the documentation says to use `poe level`, which refuses."""
    project = lived_in(LOW)
    assert copier_update(project, "--data", f"maturty_level={HIGH}").returncode == 0
    assert is_untouched(project)


@pytest.mark.parametrize("level", ["7", "two"])
def test_level_that_does_not_exist_changes_nothing(lived_in, level):
    project = lived_in(LOW)
    done = copier_update(project, "--data", f"maturity_level={level}")
    assert done.returncode != 0
    assert is_untouched(project)


@pytest.mark.parametrize("path", [".env", "data/raw.parquet", "models/model.joblib", "reports/index.html"])
def test_ignored_files_are_left_alone(lived_in, path):
    project = lived_in(LOW)
    mine = project.path / path
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    for level in (LOW, HIGH, LOW):
        lift(project, level, allow_lowering=True)
        commit(project, f"Level {level}")
        assert mine.read_text() == "mine"


def test_checkout_with_windows_line_ends(lived_in):
    project = lived_in(LOW)
    edit(project, "README.md", "## Start", "Ours.\n\n## Start")
    for path in ("README.md", "params.yaml", "tasks/level-0.toml"):
        (project.path / path).write_bytes((project.path / path).read_bytes().replace(b"\n", b"\r\n"))
    commit(project, "Edited on Windows")
    assert lift(project, HIGH).conflicts == []
    assert "Ours." in project.text("README.md")


def test_project_in_a_folder_of_a_larger_repository(lived_in, render, tmp_path):
    whole = tmp_path / "whole"
    project = Project(whole / "services" / "churn", {})
    project.path.parent.mkdir(parents=True)
    (whole / "README.md").write_text("The whole\n")
    git("init", "--quiet", folder=whole)
    lived_in(LOW).path.rename(project.path)
    shutil.rmtree(project.path / ".git")
    git("add", "--all", folder=whole)
    git("commit", "--quiet", "--message", "All", folder=whole)
    assert lift(project, HIGH).conflicts == []
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""
    assert (whole / "README.md").read_text() == "The whole\n"


def test_setting_of_git_that_loses_edits_fails(lived_in):
    """Copier drops all edits then, without a word: `poe level` overrules the setting."""
    project = lived_in(LOW)
    edit(project, "README.md", "## Start", "Ours, with a space at its end. \n\n## Start")
    commit(project, "Edit")
    git("config", "apply.whitespace", "error-all", folder=project.path)
    done = copier_update(project, "--data", f"maturity_level={HIGH}")
    assert done.returncode != 0
    assert "apply.whitespace may have kept your edits from being merged" in done.stderr


def test_old_answers_stay_valid(lived_in):
    """A tightened rule must not turn down what a project was made with: Copier would take the default instead."""
    project = lived_in(LOW)
    git("mv", "src/customer_churn", "src/copier", folder=project.path)
    answers = yaml.safe_load(project.text(ANSWERS_FILE)) | {"package_name": "copier"}
    (project.path / ANSWERS_FILE).write_text(yaml.safe_dump(answers))
    commit(project, "Made when the rule was not there")
    lift(project, HIGH)
    assert yaml.safe_load(project.text(ANSWERS_FILE))["package_name"] == "copier"
    assert (project.path / "src/copier").is_dir()


def test_paths_are_short_enough_for_windows(render):
    longest = max(render(maturity_level=HIGH).files(), key=len)
    assert len(longest) <= 120


@pytest.mark.parametrize("level", levels())
def test_no_two_files_differ_in_case_only(render, level):
    files = render(maturity_level=level).files()
    assert len({path.lower() for path in files}) == len(files)
