"""`poe level` as a project has it: uv fetches the tool from where the template is."""

import shutil
from pathlib import Path

import pytest
from copier import run_copy
from harness.lifting import NOW, difference, tree
from harness.template import Project, git, levels

LOW, HIGH = levels()[0], levels()[-1]


def source(template: Path, folder: Path, kind: str) -> tuple[Path, str]:
    """Return a clone of the template to work in, and where projects find what is committed there."""
    clone = shutil.copytree(template, folder / "Ada's template")
    return clone, str(clone) if kind == "folder" else (clone / ".git").as_uri()


@pytest.mark.parametrize("kind", ["folder", "git"])
def test_newest_tool_lifts_to_the_recorded_version(template, set_up, tmp_path, kind):
    clone, place = source(template, tmp_path, kind)
    versions = {name: tmp_path / name for name in ("project", "fresh")}
    for name, level in (("project", LOW), ("fresh", HIGH)):
        answers = {"maturity_level": level}
        run_copy(place, versions[name], answers, vcs_ref=NOW, defaults=True, unsafe=True, quiet=True)
    project = Project(versions["project"], {})
    set_up(project)
    assert f"-> {LOW} Manual: " in project.poe("level").stdout
    assert f": level {LOW} Manual, " in project.poe("maturity").stdout

    for path in ("extensions/catalogue.toml", "template/{{ level_0 }}/.gitattributes.jinja"):
        text = (clone / path).read_text(encoding="utf-8")
        (clone / path).write_text(text.replace('"Manual"', '"By hand"') + "# New\n", encoding="utf-8")
    git("commit", "--all", "--quiet", "--message", "A newer version", folder=clone)
    git("tag", "v1000.0.0", folder=clone)
    assert f"-> {LOW} By hand: " in project.poe("level").stdout
    lifted = project.poe("level", str(HIGH))
    assert f"Level {HIGH} (" in lifted.stdout
    found = tree(project)
    del found["uv.lock"]
    assert difference(found, tree(Project(versions["fresh"], {}))) == ""


def test_template_that_has_moved_is_named(template, set_up, tmp_path):
    clone, place = source(template, tmp_path, "folder")
    run_copy(place, tmp_path / "project", {"maturity_level": LOW}, defaults=True, unsafe=True, quiet=True)
    project = Project(tmp_path / "project", {})
    set_up(project)
    clone.rename(tmp_path / "elsewhere")
    done = project.poe("level", rc=1)
    assert f"Distribution not found at: file://{tmp_path}/Ada's%20template" in " ".join(done.stderr.split())
    assert project.run("git", "status", "--porcelain").stdout == ""
