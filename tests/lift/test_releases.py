"""From every released version to the working tree, at every level."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy
from harness.lifting import NEWEST, NOW, commit, difference, lift, repository, tree
from harness.template import ANSWERS_FILE, ROOT, Project, git, is_seed, levels

FIRST = "v0.1.0"
TAGS = git("tag", "--list", "v*", folder=ROOT).split() or [FIRST]


@pytest.fixture(scope="session")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template with its released versions and the working tree as the newest.

    Before the first release the working tree stands in for it.
    """
    if TAGS != [FIRST] or git("tag", "--list", FIRST, folder=template).strip():
        return template
    clone = shutil.copytree(template, tmp_path_factory.mktemp("released") / "copier-mlops")
    git("tag", FIRST, "HEAD", folder=clone)
    git("tag", "--delete", NOW, folder=clone)
    changed = clone / "template" / "{{ level_0 }}" / ".env.example"
    changed.write_text(changed.read_text() + "# New in this version\n")
    git("commit", "--all", "--quiet", "--message", "A later version", folder=clone)
    git("tag", NOW, folder=clone)
    return clone


@pytest.fixture
def rendered(released: Path, tmp_path: Path) -> Callable[..., Project]:
    """Render a version of the template with the given answers and defaults else."""

    def rendered(version: str, name: str, **answers: Any) -> Project:
        run_copy(str(released), tmp_path / name, data=answers, vcs_ref=version, defaults=True, unsafe=True, quiet=True)
        return Project(tmp_path / name, answers)

    return rendered


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("tag", TAGS)
def test_update_from_a_release_equals_fresh_with_the_same_answers(rendered, tmp_path, tag, level):
    project = repository(rendered(tag, "old", maturity_level=level), tmp_path / "project")
    assert lift(project, version=NEWEST).conflicts == []
    answers = yaml.safe_load(project.text(ANSWERS_FILE))
    assert answers["_commit"] == NOW
    fresh = rendered(NOW, "fresh", **{name: answers[name] for name in answers if not name.startswith("_")})
    assert difference(tree(project), tree(fresh)) == ""


@pytest.mark.parametrize("tag", TAGS)
def test_raising_alone_stays_at_the_version(rendered, tmp_path, tag):
    low, high = levels()[0], levels()[-1]
    project = repository(rendered(tag, "old", maturity_level=low), tmp_path / "project")
    assert lift(project, high).conflicts == []
    assert difference(tree(project), tree(rendered(tag, "fresh", maturity_level=high))) == ""


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("tag", TAGS)
def test_no_released_file_is_taken_away(released, rendered, tag, level):
    """A file that the template drops must join `_exclude` in copier.yml: else an update deletes it, edits and all."""
    old = tree(rendered(tag, "old", maturity_level=level))
    new = tree(rendered(NOW, "new", maturity_level=level))
    assert [path for path in old.keys() - new.keys() if not is_seed(path)] == []


def test_file_that_the_template_drops_stays_with_its_edits(released, tmp_path):
    later = shutil.copytree(released, tmp_path / "template")
    (later / "template" / "{{ level_0 }}" / ".env.example").unlink()
    settings = later / "copier.yml"
    settings.write_text(settings.read_text().replace("    /params.yaml\n", "    /params.yaml\n    /.env.example\n"))
    run_copy(str(later), tmp_path / "old", vcs_ref=NOW, defaults=True, unsafe=True, quiet=True)
    git("commit", "--all", "--quiet", "--message", "Drop a file", folder=later)
    git("tag", "v1000.0.0", folder=later)
    project = repository(Project(tmp_path / "old", {}), tmp_path / "project")
    (project.path / ".env.example").write_text("MINE=1\n")
    commit(project, "Edit")
    assert lift(project, version=NEWEST).conflicts == []
    assert project.text(".env.example") == "MINE=1\n"


def test_file_that_the_template_renames_stays_with_its_edits_beside_the_new_one(released, tmp_path):
    later = shutil.copytree(released, tmp_path / "template")
    folder = later / "template" / "{{ level_0 }}"
    git("mv", folder / ".env.example", folder / ".env.sample", folder=later)
    settings = later / "copier.yml"
    settings.write_text(settings.read_text().replace("    /params.yaml\n", "    /params.yaml\n    /.env.example\n"))
    run_copy(str(later), tmp_path / "old", vcs_ref=NOW, defaults=True, unsafe=True, quiet=True)
    git("commit", "--all", "--quiet", "--message", "Rename a file", folder=later)
    git("tag", "v1000.0.0", folder=later)
    project = repository(Project(tmp_path / "old", {}), tmp_path / "project")
    (project.path / ".env.example").write_text("MINE=1\n")
    commit(project, "Edit")
    assert lift(project, version=NEWEST).conflicts == []
    assert project.text(".env.example") == "MINE=1\n"
    assert (project.path / ".env.sample").exists()


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


@pytest.mark.parametrize("tag", TAGS)
def test_every_answer_that_was_accepted_still_is(released, rendered, tmp_path, tag):
    """Else an update would silently take the default in its place."""
    settings = yaml.safe_load(git("show", f"{tag}:copier.yml", folder=released))
    for number, answers in enumerate(accepted(settings)):
        project = repository(rendered(tag, f"old-{number}", **answers), tmp_path / f"project-{number}")
        before = yaml.safe_load(project.text(ANSWERS_FILE))
        assert answers.items() <= before.items()
        assert lift(project, version=NEWEST).conflicts == []
        after = yaml.safe_load(project.text(ANSWERS_FILE))
        assert {**before, "_commit": NOW}.items() <= after.items()
