"""From every released version to the working tree, at every level."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy
from harness.lifting import (
    NEWEST,
    NOW,
    commit,
    difference,
    lift,
    lift_by_copier,
    read_releases,
    release,
    releases,
    renders,
    repository,
    tag_releases,
    tree,
)
from harness.shared import Shared
from harness.template import ANSWERS_FILE, ROOT, Project, git, is_seed, levels

from copier_mlops.answers import questions

FIRST = "v0.1.0"
LISTED = (ROOT / "tests" / "releases.toml").read_text(encoding="utf-8")
TAGS = git("tag", "--list", "v*", folder=ROOT).split()
RELEASES = releases(LISTED, TAGS)
*older, newest = RELEASES or [FIRST]


def levels_of(tag: str) -> list[int]:
    """Return the levels that there were in a release."""
    if not RELEASES:
        return levels()
    settings = yaml.safe_load(git("show", f"{read_releases(LISTED).get(tag, tag)}:copier.yml", folder=ROOT))
    return sorted(settings["maturity_level"]["choices"].values())


def param(*values: Any, tag: str) -> Any:
    return pytest.param(*values, marks=pytest.mark.long if tag in older else ())


each_release = pytest.mark.parametrize("tag", [param(tag, tag=tag) for tag in [*older, newest]])
each_level_of_each_release = pytest.mark.parametrize(
    ("tag", "level"), [param(tag, level, tag=tag) for tag in [*older, newest] for level in levels_of(tag)]
)


@pytest.fixture(scope="session")
def released(template: Path, shared: Shared) -> Path:
    """Return the template with its released versions and the working tree as the newest.

    Before the first release the working tree stands in for it.
    """
    return shared(lambda folder: with_releases(template, folder / "copier-mlops"), "released")


def with_releases(template: Path, folder: Path) -> Path:
    """Return a copy of the template with a tag for each release."""
    clone = shutil.copytree(template, folder)
    if RELEASES:
        tag_releases(clone, LISTED)
        return clone
    tag_releases(clone, f'[[releases]]\nversion = "{FIRST}"\ncommit = "{git("rev-parse", NOW, folder=clone).strip()}"')
    git("tag", "--delete", NOW, folder=clone)
    changed = clone / "template" / "{{ level_0 }}" / ".gitattributes.jinja"
    changed.write_text(changed.read_text() + "# New in this version\n")
    git("commit", "--all", "--quiet", "--message", "A later version", folder=clone)
    git("tag", NOW, folder=clone)
    return clone


def test_listed_commits_are_released_in_a_clone_without_tags(tmp_path):
    git("init", "--quiet", folder=tmp_path)
    for subject in ("first", "second", "third"):
        git("commit", "--quiet", "--allow-empty", "--message", subject, folder=tmp_path)
    second = git("rev-parse", "HEAD~1", folder=tmp_path).strip()
    listed = f'[[releases]]\nversion = "v0.10.0"\ncommit = "{second}"\n'
    tag_releases(tmp_path, listed)
    tag_releases(tmp_path, listed)  # it may be there already
    assert git("log", "--format=%s", "-1", "v0.10.0", folder=tmp_path) == "second\n"
    assert releases(listed, ["v0.9.1", "v0.10.0rc1", "v0.10.0", "v0.11.0"]) == [
        "v0.9.1",
        "v0.10.0rc1",
        "v0.10.0",
        "v0.11.0",
    ]


def test_a_released_commit_is_the_one_of_its_tag():
    listed = read_releases(LISTED)
    commits = {tag: git("rev-parse", f"{tag}^{{commit}}", folder=ROOT).strip() for tag in TAGS if tag in listed}
    assert commits.items() <= listed.items()


@pytest.fixture(scope="session")
def rendered(released: Path, shared: Shared) -> Callable[..., Project]:
    """Return the project that a version of the template makes; rendered once, so leave it as it is."""
    return renders(released, shared)


@each_level_of_each_release
def test_update_from_a_release_equals_fresh_with_the_same_answers(rendered, tmp_path, tag, level):
    project = repository(rendered(tag, maturity_level=level), tmp_path / "project")
    assert lift(project, version=NEWEST).conflicts == []
    answers = yaml.safe_load(project.text(ANSWERS_FILE))
    assert answers["_commit"] == NOW
    fresh = rendered(NOW, **questions(answers))
    assert difference(tree(project), tree(fresh)) == ""


@each_release
def test_raising_alone_stays_at_the_version(rendered, tmp_path, tag):
    low, *_, high = levels_of(tag)
    project = repository(rendered(tag, maturity_level=low), tmp_path / "project")
    assert lift(project, high).conflicts == []
    assert difference(tree(project), tree(rendered(tag, maturity_level=high))) == ""


@each_level_of_each_release
def test_no_released_file_is_taken_away(rendered, tag, level):
    """A file that the template drops must join `_exclude` in copier.yml: else an update deletes it, edits and all."""
    old = tree(rendered(tag, maturity_level=level))
    new = tree(rendered(NOW, maturity_level=level))
    assert [path for path in old.keys() - new.keys() if not is_seed(path)] == []


@pytest.mark.parametrize("new", [None, "docs/attributes"], ids=["dropped", "renamed"])
def test_file_that_the_template_drops_or_renames_stays_with_its_edits(released, tmp_path, new):
    later = shutil.copytree(released, tmp_path / "template")
    folder = later / "template" / "{{ level_0 }}"
    run_copy(str(later), tmp_path / "old", vcs_ref=NOW, defaults=True, unsafe=True, quiet=True)
    if new:
        (folder / ".gitattributes.jinja").rename(folder / f"{new}.jinja")
    else:
        (folder / ".gitattributes.jinja").unlink()
    settings = later / "copier.yml"
    settings.write_text(settings.read_text().replace("    /params.yaml\n", "    /params.yaml\n    /.gitattributes\n"))
    release(later, "v1000.0.0")
    project = repository(Project(tmp_path / "old", {}), tmp_path / "project")
    (project.path / ".gitattributes").write_text("# Mine\n")
    commit(project, "Edit")
    assert lift_by_copier(project, version=NEWEST).conflicts == []
    assert project.text(".gitattributes") == "# Mine\n"
    assert new is None or (project.path / new).exists()


# Odd answers to the questions that have no choices: each is accepted now.
TEXTS = {
    "project_name": 'Étude "O\'Neil" \\ #1: {x}',
    "project_slug": "a-1",
    "package_name": "_a1",
    "project_description": 'One \\ two "three" # four: {five}',
    "author": "Zoë",
    "owner": "a-1/b.c_d-e",
    "repository_url": "https://git.example.com:8443/a/b-c.d/e.git",
    "data_remote_url": "s3://a.b-c_d/E/f.g",
}


def accepted(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return answers in which every choice of every question occurs, and the odd texts."""
    choices = {
        name: list(question["choices"].values())
        for name, question in settings.items()
        if not name.startswith("_") and "choices" in question
    }
    levels = choices.pop("maturity_level")
    longest = max(map(len, choices.values()))
    rows = [{name: values[row % len(values)] for name, values in choices.items()} for row in range(longest)]
    texts = {name: text for name, text in TEXTS.items() if name in settings}
    every = [{"maturity_level": max(levels), **row} for row in rows]
    every.append({**texts, **every[0], "data_remote": "s3"} if "data_remote" in settings else {**texts, **every[0]})
    return [*every, *({"maturity_level": level} for level in levels)]


@each_release
def test_every_answer_that_was_accepted_still_is(released, rendered, tmp_path, tag):
    """Else an update would silently take the default in its place."""
    settings = yaml.safe_load(git("show", f"{tag}:copier.yml", folder=released))
    for number, answers in enumerate(accepted(settings)):
        project = repository(rendered(tag, **answers), tmp_path / f"project-{number}")
        before = yaml.safe_load(project.text(ANSWERS_FILE))
        assert answers.items() <= before.items()
        assert lift(project, version=NEWEST).conflicts == []
        after = yaml.safe_load(project.text(ANSWERS_FILE))
        assert {**before, "_commit": NOW}.items() <= after.items()
