"""Whatever the Git settings of a machine are, edits are merged and conflicts are shown."""

import subprocess
from pathlib import Path

import pytest
from harness.lifting import HIGH, LOW, TOOL, commit, edit, expected, set_git_settings, tree
from harness.template import Project

# What occurs together does so to save time: each lift takes seconds.
SETTINGS = {
    "patches": {
        "apply.whitespace": "error-all",
        "apply.ignoreWhitespace": "change",
        "diff.external": "/nowhere",
        "diff.mnemonicPrefix": "true",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "diff.suppressBlankEmpty": "true",
        "merge.conflictStyle": "zdiff3",
    },
    "status": {
        "color.ui": "always",
        "core.quotePath": "false",
        "merge.conflictStyle": "diff3",
        "status.branch": "true",
        "status.relativePaths": "false",
        "status.short": "true",
        "status.showUntrackedFiles": "no",
    },
    "commits": {
        "clone.defaultRemoteName": "upstream",
        "commit.gpgSign": "true",
        "core.fileMode": "false",
        "core.hooksPath": "/nowhere",
        "init.defaultBranch": "trunk",
        "submodule.recurse": "true",
        "tag.gpgSign": "true",
    },
    "line ends, Windows": {"core.autocrlf": "true", "core.eol": "crlf"},
    "files": {
        "core.attributesFile": "{home}/attributes",
        "core.excludesFile": "{home}/ignored",
        "init.templateDir": "{home}/template",
    },
    "line ends, Unix": {"core.autocrlf": "input", "core.safecrlf": "false"},
}


@pytest.fixture
def team(lived_in) -> Project:
    """Return a project with an edit that can be merged, one that cannot, and an own file where the level brings one."""
    project = lived_in(LOW)
    edit(project, "tasks/levels.toml", '"level-0.toml",', '"ours.toml",')
    edit(project, "docs/levels/0.md", "## Map", "Ours, with a space at the end. \n\n## Map")
    (project.path / "dvc.yaml").write_text("ours: 1\n")
    (project.path / "ours größer.txt").write_text("ours\n")
    commit(project, "Work")
    return project


def run_level(project: Project) -> subprocess.CompletedProcess[str]:
    """Lift by a process of its own: which variables the command takes over is decided when it starts."""
    command = [*TOOL, "level", str(HIGH)]
    return subprocess.run(
        command, cwd=project.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def files_of_a_user(folder: Path) -> Path:
    """Write files with which Git would ignore, or not compare, what the team has edited."""
    (folder / "template" / "info").mkdir(parents=True)
    for name, text in {
        "attributes": "*.toml -diff\n*.md binary\n",
        "ignored": "*.md\n*.toml\n/tasks/\n",
        "template/info/exclude": "*.md\n*.toml\n",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings_of_the_user_do_not_matter(team, render, monkeypatch, tmp_path, settings):
    files, conflicts = expected(tree(team), tree(render(maturity_level=LOW)), tree(render(maturity_level=HIGH)))
    assert conflicts == ["dvc.yaml", "tasks/levels.toml"]
    home = files_of_a_user(tmp_path / "home")
    set_git_settings(monkeypatch, {name: value.format(home=home) for name, value in settings.items()})
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", ".git")
        hook.setenv("GIT_INDEX_FILE", str(team.path / ".git" / "index"))
        done = run_level(team)
    assert done.returncode == 1, done.stderr
    assert "changes:\n  dvc.yaml\n  tasks/levels.toml\n" in done.stdout, done.stderr
    found = tree(team)
    assert found.keys() == files.keys()
    assert [path for path in files if path not in conflicts and plain(found[path]) != files[path]] == []
    meets = (("dvc.yaml", b"ours: 1", b"stages:"), ("tasks/levels.toml", b"ours.toml", b"level-1.toml"))
    for path, ours, theirs in meets:
        assert ours in found[path]
        assert theirs in found[path]
        assert b"<<<<<<< " in found[path]


def plain(text: bytes) -> bytes:
    """Return a text with the line ends that it has in the repository."""
    return text.replace(b"\r\n", b"\n")


def test_untracked_files_that_git_does_not_list_are_seen(team, monkeypatch):
    """Else undoing would delete them."""
    (team.path / "notes.txt").write_text("mine\n")
    set_git_settings(monkeypatch, SETTINGS["status"])
    done = run_level(team)
    assert done.returncode == 1
    assert "?? notes.txt" in done.stderr
