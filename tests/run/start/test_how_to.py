"""The commands of the how-to pages of the site, typed into a shell."""

import shutil

from harness.adoption import FOREIGN
from harness.projects import bash_blocks
from harness.template import ROOT, Project


def typed(page: str) -> list[str]:
    """Return the blocks of commands of a page."""
    return bash_blocks((ROOT / "docs/how-to" / page).read_text(encoding="utf-8"))


def test_adopt(type_in, tmp_path):
    folder = FOREIGN[0].write(tmp_path / "churn")
    look, adopt = [block.replace(" adopt ", " adopt --defaults ") for block in typed("adopt.md")]
    assert "load.py:5 load_data" in type_in(look, folder)
    assert not (folder / "docs/adopted.md").exists()
    assert "One commit, undone by: git revert --no-edit HEAD" in type_in(adopt, folder)
    assert (folder / "docs/adopted.md").exists()


def test_maturity_in_ci(type_in, render, tmp_path):
    rendered = render(maturity_level=1)
    found = Project(shutil.copytree(rendered.path, tmp_path / "churn"), rendered.answers)
    found.run("git", "init", "--quiet", "--initial-branch", "main")
    found.commit("Start from copier-mlops")
    for block in typed("maturity-in-ci.md"):
        assert "level 1 Pipeline, " in type_in(block, found.path)


def test_update_and_work_without_a_network(type_in, install, template, tmp_path):
    """One project for both: an update to the version that it has, then the next level from uv's cache."""
    project = install(maturity_level=0)
    (update,) = typed("update.md")
    assert type_in(update, project.path).count("up to date with the template") == 2
    new, level = [block.replace("../copier-mlops", str(template)) for block in typed("proxy.md")]
    type_in(level, project.path)
    assert (project.path / "dvc.yaml").exists()
    type_in(new, tmp_path)
    assert (tmp_path / "my-project/dvc.yaml").exists()


def test_trust_settings(type_in, template, tmp_path, monkeypatch):
    text = (ROOT / "docs/how-to/trust.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    settings = tmp_path / "settings.yml"
    settings.write_text(text.replace("https://github.com/copier-mlops/copier-mlops", str(template)), encoding="utf-8")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    (command,) = typed("trust.md")
    type_in(command, tmp_path)
    answers = (tmp_path / "my-project/.copier-answers.yml").read_text(encoding="utf-8")
    assert "owner: example/data-science" in answers
    assert "data_remote: s3" in answers
