"""Check that a version can be released, tag its commit here, and print the one step that cannot be undone: the push.

The commit of a release is listed in tests/releases.toml before it has a tag, so that lifts from it are tested first. The
workflow Release runs it with --notes, for the text of the release.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
RELEASES = "tests/releases.toml"
BRANCH = "main"


class ReleaseError(Exception):
    """Why a version cannot be released, and what to do."""


def git(*arguments: str, given: str | None = None) -> str:
    """Run Git in this repository, with `given` as its input, and return its output.

    Raises:
        ReleaseError: Git fails.
    """
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, input=given)
    if done.returncode:
        raise ReleaseError(f"`{' '.join(command)}` fails: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def check_version(version: str) -> None:
    """Accept a version that Copier reads as it is written: 0.2.0, or 0.2.0rc1 for those who request it.

    Raises:
        ReleaseError: it is another text.
    """
    try:
        parsed = Version(version)
    except InvalidVersion:
        parsed = None
    if parsed is None or str(parsed) != version or len(parsed.release) != 3 or parsed.local:
        raise ReleaseError(f"VERSION={version} is no version such as 0.2.0 or 0.2.0rc1")


def check_branch() -> None:
    """Accept the released branch without changes.

    Raises:
        ReleaseError: another branch is checked out, or there are changes that are not committed.
    """
    if (branch := git("branch", "--show-current")) != BRANCH:
        raise ReleaseError(f"{branch or 'no branch'} is checked out: releases are made from {BRANCH}")
    if git("status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed: see `git status`")


def tags_of(repository: str) -> dict[str, str]:
    """Return the commits of the version tags in a repository: `.` is this one."""
    tags = {}
    for line in git("ls-remote", "--tags", repository, "v*").splitlines():
        commit, _, name = line.partition("\trefs/tags/")
        tags[name.removesuffix("^{}")] = commit  # that of an annotated tag comes last
    return tags


def check_tags(version: str, listed: dict[str, str]) -> None:
    """Accept a version that is newer than all tags, which are those that are listed.

    Raises:
        ReleaseError: the version is not new, or a released tag has moved or is not listed.
    """
    tags = {**tags_of("."), **(tags_of("origin") if "origin" in git("remote").split() else {})}
    if f"v{version}" in tags:
        raise ReleaseError(f"v{version} is tagged already: a released tag never moves, so release the next version")
    for tag, commit in tags.items():
        if tag not in listed:
            raise ReleaseError(f"{RELEASES} does not list {tag} with commit {commit}: lifts from it are not tested")
        if listed[tag] != commit:
            raise ReleaseError(f"{tag} is at {commit}, but {RELEASES} lists {listed[tag]}: a released tag never moves")
        if Version(tag) > Version(version):
            raise ReleaseError(f"{tag} is newer than {version}: release a higher version")


def commit_to_tag(version: str, listed: dict[str, str]) -> str:
    """Return the commit that is listed for a version.

    Raises:
        ReleaseError: none is listed, or more than the list has changed since.
    """
    tag, head = f"v{version}", git("rev-parse", "HEAD")
    if tag not in listed:
        raise ReleaseError(f'{RELEASES} does not list {tag}: add it with commit = "{head}", run the tests, and commit')
    commit = listed[tag]
    try:
        known = re.fullmatch("[0-9a-f]{40}", commit) and git("branch", "--contains", commit, "--list", BRANCH)
    except ReleaseError:
        known = ""
    if not known:
        raise ReleaseError(f"{RELEASES} lists {commit!r} for {tag}: that is no full hash of a commit of {BRANCH}")
    if git("diff", "--name-only", commit, head) != RELEASES:
        raise ReleaseError(f"more than {RELEASES} has changed since {commit}, listed for {tag}: list the newest commit")
    return commit


def check_metadata(version: str, commit: str) -> None:
    """Accept a commit whose package has the version.

    Raises:
        ReleaseError: pyproject.toml or uv.lock has another.
    """
    packages = [
        ("pyproject.toml", tomllib.loads(git("show", f"{commit}:pyproject.toml"))["project"]),
        *(("uv.lock", each) for each in tomllib.loads(git("show", f"{commit}:uv.lock"))["package"]),
    ]
    for path, package in packages:
        if package["name"] == "copier-mlops" and package["version"] != version:
            raise ReleaseError(
                f"{path} has version {package['version']}: set {version} in pyproject.toml and run `uv lock`"
            )


def notes_of(version: str, commit: str) -> str:
    """Return what the changelog at a commit says of a version.

    Raises:
        ReleaseError: it has no dated section with a text.
    """
    section = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}\n(.*?)(?=^## \[|\Z)"
    found = re.search(section, git("show", f"{commit}:CHANGELOG.md"), re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section `## [{version}] - YEAR-MONTH-DAY` with a text")
    return found[1].strip()


def release(version: str) -> str:
    """Tag the commit of a version in this repository, with its section of the changelog, and return the commit.

    Raises:
        ReleaseError: it cannot be released; then nothing is tagged.
    """
    check_version(version)
    check_branch()
    listed = {
        each["version"]: each["commit"] for each in tomllib.loads((ROOT / RELEASES).read_text()).get("releases", [])
    }
    check_tags(version, listed)
    commit = commit_to_tag(version, listed)
    check_metadata(version, commit)
    notes = f"copier-mlops {version}\n\n{notes_of(version, commit)}\n"
    git("tag", "--annotate", "--cleanup=verbatim", "--file=-", f"v{version}", commit, given=notes)
    return commit


def main() -> None:
    """Tag a version here, and print the steps that publish it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="such as 0.2.0")
    parser.add_argument("--notes", action="store_true", help="only print what the changelog at HEAD has for it")
    options = parser.parse_args()
    version = options.version
    try:
        if options.notes:
            check_metadata(version, "HEAD")
            print(notes_of(version, "HEAD"))
            return
        commit = release(version)
    except ReleaseError as error:
        sys.exit(f"make release: {error}")
    print(f"v{version} is tagged here, at {commit}. Undo this with: git tag --delete v{version}")
    print(f"Is CI green for this commit? gh run list --commit {commit}")
    print("What follows cannot be undone: projects record the tag, and the workflow Release publishes it.")
    print(f"  git push --atomic origin {BRANCH} v{version}")


if __name__ == "__main__":
    main()
