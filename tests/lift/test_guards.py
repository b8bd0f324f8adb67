"""What could go wrong with an update, and what happens then."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from harness.lifting import (
    HIGH,
    LOW,
    commit,
    difference,
    each_level_of_each_kind,
    edit,
    level_of,
    lift,
    run_level,
    set_git_settings,
    tree,
)
from harness.quick_copier import QUICKLY
from harness.template import ANSWERS_FILE, SHARED, Project, git

COPIER = ["-m", "copier", "update", "--trust", "--defaults", "--vcs-ref", ":current:"]


def copier_update(
    project: Project, *arguments: str, python: Sequence[str] = QUICKLY
) -> subprocess.CompletedProcess[str]:
    """Run `copier update` in place of `poe level`, as Copier's documentation describes it."""
    command = [*python, *COPIER, *arguments]
    return subprocess.run(
        command, cwd=project.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def is_untouched(project: Project) -> bool:
    return git("status", "--porcelain", folder=project.path) == ""


def test_copier_update_raises(lived_in, render):
    project = lived_in(LOW)
    assert copier_update(project, "--data", f"maturity_level={HIGH}", python=[sys.executable]).returncode == 0
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""


def test_copier_update_with_a_conflict_fails_and_lists_the_files(lived_in):
    project = lived_in(LOW)
    edit(project, "tasks/levels.toml", '    "level-0.toml",\n', '    "ours.toml",\n    "level-0.toml",\n')
    commit(project, "Edit what belongs to the level")
    done = copier_update(project, "--data", f"maturity_level={HIGH}")
    assert done.returncode != 0
    assert "changes:\n  tasks/levels.toml" in done.stderr


def test_rejected_hunks_fail_too(lived_in):
    project = lived_in(LOW)
    edit(project, "tasks/levels.toml", '    "level-0.toml",\n', '    "ours.toml",\n    "level-0.toml",\n')
    commit(project, "Edit what belongs to the level")
    done = copier_update(project, "--data", f"maturity_level={HIGH}", "--conflict", "rej")
    assert done.returncode != 0
    assert "levels.toml.rej" in done.stderr


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
    """Copier's own behavior: so the documentation names `poe level`, which refuses."""
    project = lived_in(LOW)
    assert copier_update(project, "--data", f"maturty_level={HIGH}").returncode == 0
    assert is_untouched(project)


@pytest.mark.parametrize("level", ["7", "two"])
def test_level_that_does_not_exist_changes_nothing(lived_in, level):
    project = lived_in(LOW)
    done = copier_update(project, "--data", f"maturity_level={level}")
    assert done.returncode != 0
    assert is_untouched(project)


BUMP = ('version = "0.1.0"', 'version = "1.4.2"')
IGNORED = [
    ".env",
    ".dvc/cache/files/md5/00/11",
    ".dvc/tmp/lock",
    "data/raw.parquet",
    "mlflow.db",
    "models/model.joblib",
]


def test_ignored_files_are_left_alone_and_stay_ignored(lived_in):
    project = lived_in(LOW)
    for path in IGNORED:
        (project.path / path).parent.mkdir(parents=True, exist_ok=True)
        (project.path / path).write_text("mine")
    for level in (LOW, HIGH, LOW):
        lift(project, level, allow_lowering=True)
        commit(project, f"Level {level}")
        assert [project.text(path) for path in IGNORED] == ["mine"] * len(IGNORED)
        assert set(IGNORED) & set(git("ls-files", folder=project.path).splitlines()) == set()


def test_checkout_with_windows_line_ends(lived_in):
    project = lived_in(LOW)
    edit(project, "README.md", "## Start", "Ours.\n\n## Start")
    edit(project, "pyproject.toml", *BUMP)
    for path in ("README.md", "pyproject.toml", "params.yaml", "tasks/level-0.toml"):
        (project.path / path).write_bytes((project.path / path).read_bytes().replace(b"\n", b"\r\n"))
    commit(project, "Edited on Windows")
    assert lift(project, HIGH).conflicts == []
    assert "Ours." in project.text("README.md")
    assert BUMP[1] in project.text("pyproject.toml")


def test_files_committed_with_windows_line_ends_are_merged(lived_in):
    project = lived_in(LOW)
    (project.path / ".gitattributes").write_text("* -text\n")
    edit(project, "pyproject.toml", *BUMP)
    written = project.path / "pyproject.toml"
    written.write_bytes(written.read_bytes().replace(b"\n", b"\r\n"))
    commit(project, "Written on Windows, without .gitattributes")
    assert lift(project, HIGH).conflicts == []
    assert BUMP[1] in project.text("pyproject.toml")
    assert "mlflow" in project.text("pyproject.toml")


def test_answers_of_a_higher_level_are_asked_again_after_lowering(lived_in):
    project = lived_in(HIGH, orchestrator="airflow")
    lift(project, LOW, allow_lowering=True)
    commit(project, "Lower")
    assert "orchestrator" not in project.text(ANSWERS_FILE)
    lift(project, HIGH)
    assert yaml.safe_load(project.text(ANSWERS_FILE))["orchestrator"] == "github"


def test_files_that_are_no_text_are_kept_as_they_are(lived_in):
    project = lived_in(LOW)
    (project.path / "docs/figure.png").write_bytes(bytes(range(256)) * 4)
    (project.path / "docs/notes.md").symlink_to("levels/0.md")
    (project.path / "ours.sh").write_text("true\n")
    (project.path / "ours.sh").chmod(0o755)
    (project.path / "tasks/level-0.toml").chmod(0o755)
    (project.path / "docs/latin-1.txt").write_bytes("Zoë\n".encode("latin-1"))
    edit(project, ".gitattributes", "* text=auto eol=lf\n", "* text=auto eol=lf\npyproject.toml -diff\n")
    edit(project, "pyproject.toml", *BUMP)
    commit(project, "Work")
    mine = tree(project)
    assert lift(project, HIGH).conflicts == []
    found = tree(project)
    assert [path for path in mine.keys() - SHARED if found[path] != mine[path]] == []
    assert BUMP[1] in project.text("pyproject.toml")
    assert "mlflow" in project.text("pyproject.toml")
    assert (project.path / "docs/notes.md").is_symlink()
    assert os.access(project.path / "ours.sh", os.X_OK)
    assert os.access(project.path / "tasks/level-0.toml", os.X_OK)


def test_edited_file_that_is_not_utf_8_fails(lived_in):
    """Copier drops what it cannot read, without a message."""
    project = lived_in(LOW)
    gate = project.path / "src/customer_churn/pipeline/gate.py"
    gate.write_bytes("# Zoë's\n".encode("latin-1") + gate.read_bytes())
    commit(project, "Edit")
    done = copier_update(project, "--data", f"maturity_level={HIGH}")
    assert done.returncode != 0
    assert "not UTF-8, and characters are lost:\n  src/customer_churn/pipeline/gate.py" in done.stderr


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
    done = run_level(project, str(HIGH))
    assert done.returncode == 0, done.stderr
    assert difference(tree(project), tree(render(maturity_level=HIGH))) == ""
    assert (whole / "README.md").read_text() == "The whole\n"
    _, _, advice = done.stdout.partition("GitHub reads .github only at the root of the repository")
    assert follow(advice, whole) >= {"CODEOWNERS", "dependabot.yml", "pull_request_template.md"}


def follow(advice: str, whole: Path) -> set[str]:
    """Run the indented commands of an advice at the root of a repository, and return what GitHub reads then."""
    git("add", "--all", folder=whole)
    git("commit", "--quiet", "--message", "Level 1", folder=whole)
    for command in re.findall("^ +((?:cp|git|mkdir) .+)$", advice, re.MULTILINE):
        subprocess.run(["bash", "-euc", command], cwd=whole, check=True)
    assert (whole / ".github/workflows/template-update.yml").is_file()
    return {path.name for path in (whole / ".github").iterdir()}


OF_LEVEL = {LOW: {"workflows"}, HIGH: {"CODEOWNERS", "dependabot.yml", "pull_request_template.md", "workflows"}}


@pytest.mark.parametrize("level", OF_LEVEL)
def test_copy_into_a_folder_of_a_larger_repository_lists_what_to_move(template, tmp_path, level):
    whole = tmp_path / "whole"
    whole.mkdir()
    git("init", "--quiet", folder=whole)
    answers = ("--defaults", "--data", f"maturity_level={level}")
    command = [sys.executable, "-m", "copier", "copy", "--trust", *answers, template, whole / "services/a b"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    _, _, advice = done.stderr.partition("GitHub reads `.github` only at the root of a repository")
    assert follow(advice, whole) == OF_LEVEL[level]


SETTINGS = {
    "apply.whitespace": ("error-all", "Git's setting apply.whitespace rejects lines that end with a space"),
    "core.excludesFile": ("*.md\n.env*\n", "(core.excludesFile or init.templateDir) ignore"),
    "core.attributesFile": (
        "*.toml diff\n*.md binary\n",
        "(core.attributesFile) turn off diff for",
    ),
    "init.templateDir": ("*.md\n", "(core.excludesFile or init.templateDir) ignore"),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_of_git_that_would_lose_edits_stops_copier(lived_in, tmp_path, monkeypatch, setting):
    """Copier drops the edits then, without a message: `poe level` overrules the settings."""
    project = lived_in(LOW)
    edit(project, "docs/levels/0.md", "## Map", "Ours, with a space at its end. \n\n## Map")
    (project.path / "ours.md").write_text("Also ignored by the user, but no file of the template\n")
    commit(project, "Edit")
    set_user(monkeypatch, tmp_path, setting, SETTINGS[setting][0])
    done = copier_update(project, "--data", f"maturity_level={HIGH}")
    assert done.returncode != 0
    assert SETTINGS[setting][1] in done.stderr
    assert setting == "apply.whitespace" or '"docs/change-the-model.md"' in done.stderr
    assert "README.md" not in done.stderr, "an update never changes it"
    assert "ours.md" not in done.stderr
    assert "Nothing was changed. Update with `uv run poe level" in done.stderr
    assert is_untouched(project)


def test_settings_of_git_that_lose_no_edits_do_not_stop_copier(lived_in, render, tmp_path, monkeypatch):
    project = lived_in(LOW)
    commit(project, "Start")
    set_user(monkeypatch, tmp_path, "core.attributesFile", "*.json diff=json\n*.md merge=binary\n")
    (project.path / ".gitattributes").write_text(project.text(".gitattributes") + "*.md -diff\n")
    commit(project, "Our own")
    assert copier_update(project, "--data", f"maturity_level={HIGH}").returncode == 0
    assert project.text("docs/levels/1.md") == render(maturity_level=HIGH).text("docs/levels/1.md")


def set_user(monkeypatch: pytest.MonkeyPatch, folder: Path, setting: str, value: str) -> None:
    """Give Git a setting of the user's; one that names a file or folder names one with this content."""
    if setting == "init.templateDir":
        (folder / "template/info").mkdir(parents=True)
        (folder / "template/info/exclude").write_text(value)
        value = str(folder / "template")
    elif setting.endswith("File"):
        (folder / "patterns").write_text(value)
        value = str(folder / "patterns")
    set_git_settings(monkeypatch, {setting: value})


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


@each_level_of_each_kind
def test_paths_suit_windows_and_macos(render, level, kind):
    """Windows takes 260 characters, with those of the folder of the project; and to both, case makes no difference."""
    files = render(maturity_level=level, **kind).files()
    assert max(map(len, files)) <= 120
    assert len({path.lower() for path in files}) == len(files)
