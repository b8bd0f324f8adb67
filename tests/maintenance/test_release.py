"""`make release` tags the commit that was tested, or ends with one line and changes nothing."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.template import ROOT, git

CHANGELOG = "# Changelog\n\n## [0.2.0] - 2026-11-30\n\n### Level 1\n\n- More.\n\n## [0.1.0] - 2026-11-01\n\nAll.\n"
PYPROJECT = '[project]\nname = "copier-mlops"\nversion = "0.2.0"\n'
LOCK = '[[package]]\nname = "copier-mlops"\nversion = "0.2.0"\n'
Edit = Callable[["Repository"], object]


class Repository:
    """A small repository in which 0.1.0 is released, and 0.2.0 is ready to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "maintenance").mkdir(parents=True)
        (folder / "tests").mkdir()
        shutil.copy(ROOT / "maintenance" / "release.py", folder / "maintenance")
        self.git("init", "--quiet")
        self.write("tests/releases.toml", "")
        self.first = self.commit("First")
        self.git("tag", "v0.1.0")
        for name, text in {"CHANGELOG.md": CHANGELOG, "pyproject.toml": PYPROJECT, "uv.lock": LOCK}.items():
            self.write(name, text)
        self.ready = self.commit("Release 0.2.0")
        self.list_releases(v0_1_0=self.first, v0_2_0=self.ready)

    def git(self, *arguments: str | Path) -> str:
        return git(*arguments, folder=self.folder).strip()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def list_releases(self, **commits: str) -> None:
        """List the commits of releases, and commit this."""
        entries = [
            f'[[releases]]\nversion = "{version.replace("_", ".")}"\ncommit = "{commit}"\n'
            for version, commit in commits.items()
        ]
        self.write("tests/releases.toml", "\n".join(entries))
        self.commit("List the release")

    def change(self, name: str, text: str) -> None:
        """Change a file of the commit to release."""
        self.write(name, text)
        self.list_releases(v0_1_0=self.first, v0_2_0=self.commit("Change"))


def pushed(repository: Repository, tag: str) -> None:
    """Have a tag in the remote repository alone."""
    repository.git("init", "--quiet", "--bare", repository.folder.with_name("remote.git"))
    repository.git("remote", "add", "origin", repository.folder.with_name("remote.git"))
    repository.git("tag", tag)
    repository.git("push", "--quiet", "origin", tag)
    repository.git("tag", "--delete", tag)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "copier-mlops")


@pytest.fixture
def release(
    repository: Repository, run_script: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    return lambda version: run_script(repository.folder, "release.py", version)


def test_tag_is_at_the_listed_commit_with_the_notes_and_the_push_is_left_to_people(repository, release):
    pushed(repository, "v0.0.1")
    repository.git("push", "--quiet", "origin", ":v0.0.1")
    done = release("0.2.0")
    assert done.returncode == 0, done.stderr
    assert repository.git("rev-parse", "v0.2.0^{commit}") == repository.ready
    assert repository.git("tag", "--list", "v0.2.0", "--format=%(contents)") == (
        "copier-mlops 0.2.0\n\n### Level 1\n\n- More."
    )
    assert done.stdout.splitlines()[-1] == "  git push --atomic origin main v0.2.0"
    assert repository.git("ls-remote", "--tags", "origin") == ""
    assert "v0.2.0 is tagged already" in release("0.2.0").stderr


REFUSALS: dict[str, Edit] = {
    "changes that are not committed": lambda one: one.write("new.txt", ""),
    "topic is checked out": lambda one: one.git("switch", "--quiet", "--create", "topic"),
    "v0.2.0 is tagged already": lambda one: pushed(one, "v0.2.0"),
    "v0.3.0 is newer than 0.2.0": lambda one: (
        one.git("tag", "v0.3.0", one.first),
        one.list_releases(v0_1_0=one.first, v0_2_0=one.ready, v0_3_0=one.first),
    ),
    "does not list v0.1.0": lambda one: one.list_releases(v0_2_0=one.ready),
    "v0.1.0 is at": lambda one: one.list_releases(v0_1_0=one.ready, v0_2_0=one.ready),
    "does not list v0.2.0": lambda one: one.list_releases(v0_1_0=one.first),
    "no full hash of a commit": lambda one: one.list_releases(v0_1_0=one.first, v0_2_0=one.ready[:7]),
    "no full hash of a commit of main": lambda one: one.list_releases(v0_1_0=one.first, v0_2_0="0" * 40),
    "more than tests/releases.toml has changed": lambda one: (one.write("new.txt", ""), one.commit("Late")),
    "pyproject.toml has version 0.1.9": lambda one: one.change("pyproject.toml", PYPROJECT.replace("2.0", "1.9")),
    "uv.lock has version 0.1.9": lambda one: one.change("uv.lock", LOCK.replace("2.0", "1.9")),
    "no section `## [0.2.0] - YEAR": lambda one: one.change(
        "CHANGELOG.md", CHANGELOG.replace("2026-11-30", "unreleased")
    ),
    "with a text": lambda one: one.change("CHANGELOG.md", "# Changelog\n\n## [0.2.0] - 2026-11-30\n\n"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_release_is_refused_in_one_line(repository, release, why):
    REFUSALS[why](repository)
    before = repository.git("tag", "--list")
    done = release("0.2.0")
    assert done.returncode == 1
    assert done.stderr.startswith("make release: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert repository.git("tag", "--list") == before


def test_page_lists_the_refusals():
    page = (ROOT / "docs" / "contributing" / "release.md").read_text(encoding="utf-8")
    assert [why for why in REFUSALS if why.replace("0.1.9", "…") not in page] == []


@pytest.mark.parametrize("version", ["v0.2.0", "0.2", "0.2.0-rc1", "0.2.0+local", "next"])
def test_text_that_is_no_version_is_refused(release, version):
    assert release(version).stderr == f"make release: VERSION={version} is no version such as 0.2.0 or 0.2.0rc1\n"
