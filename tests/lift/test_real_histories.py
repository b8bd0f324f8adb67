"""What teams do to a repository besides editing files, and what `poe level` reports of it."""

import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from harness.lifting import (
    HIGH,
    LOW,
    commit,
    difference,
    edit,
    lift,
    release,
    repository,
    run_level,
    set_git_settings,
    tree,
    with_answers,
)
from harness.template import ANSWERS_FILE, git

MANAGED = "src/customer_churn/pipeline/gate.py"


@pytest.fixture
def later(template: Path, tmp_path: Path) -> Path:
    """Return the template, to make a later version of."""
    return shutil.copytree(template, tmp_path / "later")


def module(template: Path, name: str, level: int = LOW) -> Path:
    """Return the source of a managed file."""
    return template / f"template/{{{{ level_{level} }}}}" / name.replace("customer_churn", "{{ package_name }}")


def test_file_that_the_team_moved_is_updated_where_it_is(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    (project.path / "src/customer_churn/quality").mkdir()
    git("mv", MANAGED, "src/customer_churn/quality/gate.py", folder=project.path)
    commit(project, "Move")
    source = module(later, MANAGED)
    source.write_text(source.read_text() + "# Later\n")
    release(later, "v1000.0.0")
    assert lift(project, version=None).conflicts == []
    assert project.text("src/customer_churn/quality/gate.py").endswith("# Later\n")
    assert not (project.path / MANAGED).exists()


def test_file_that_the_template_renamed_takes_the_edits_along(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(project, MANAGED, 'PLACE = "params.yaml: gate"', 'PLACE = "params.yaml: gate"  # ours')
    commit(project, "Edit")
    source = module(later, MANAGED)
    source.rename(source.with_name("limits.py"))
    release(later, "v1000.0.0")
    assert lift(project, version=None).conflicts == []
    assert "# ours" in project.text("src/customer_churn/pipeline/limits.py")
    assert not (project.path / MANAGED).exists(), "it would run twice"


def test_dropped_file_goes_unless_it_was_edited(lived_in, later):
    project = with_answers(lived_in(1), _src_path=str(later))
    kept, gone = "docs/experiments.md", "docs/team.md"
    edit(project, kept, "## Rules\n", "## Rules\n\n- Ask before you use the big machine.\n")
    commit(project, "Edit")
    for path in (kept, gone):
        source = module(later, path, 1)
        (source if source.exists() else source.with_name(f"{source.name}.jinja")).unlink()
    release(later, "v1000.0.0")
    done = run_level(project, "--update")
    assert done.returncode == 0, done.stderr
    assert f"Deleted files:\n  {gone}\n" in done.stdout
    assert f"the template has dropped these, --allow-deleting deletes them:\n  {kept}\n" in done.stdout
    assert "big machine" in project.text(kept)
    assert not (project.path / gone).exists()


def test_other_answer_keeps_edited_files_unless_they_may_be_deleted(lived_in):
    project = lived_in(1, orchestrator="airflow")
    (project.path / "dags/pipeline.py").write_text(project.text("dags/pipeline.py") + "# Ours\n")
    commit(project, "Edit")
    again = repository(project, project.path.with_name("again"))
    done = run_level(project, "--data", "orchestrator=github")
    assert "deletes them:\n  dags/pipeline.py\n" in done.stdout
    assert project.text("dags/pipeline.py").endswith("# Ours\n")
    assert not (project.path / "tasks/airflow.toml").exists()
    assert run_level(again, "--data", "orchestrator=github", "--allow-deleting").returncode == 0
    assert not (again.path / "dags").exists()


def test_renamed_package_is_recognized(lived_in, render):
    project = lived_in(LOW)
    git("mv", "src/customer_churn", "src/loyalty", folder=project.path)
    edit(project, "src/loyalty/pipeline/gate.py", 'PLACE = "params.yaml: gate"', 'PLACE = "params.yaml: gate"  # ours')
    commit(project, "Rename")
    assert lift(project, HIGH).conflicts == []
    assert yaml.safe_load(project.text(ANSWERS_FILE))["package_name"] == "loyalty"
    assert "# ours" in project.text("src/loyalty/pipeline/gate.py")
    assert not (project.path / "src/customer_churn").exists()
    fresh = render(maturity_level=HIGH, package_name="loyalty").files()
    assert {path for path in project.files() if path.startswith("src/")} == {
        path for path in fresh if path.startswith("src/")
    }


def test_package_that_is_not_there_is_refused(lived_in):
    project = lived_in(LOW)
    asked = run_level(project, "--data", "package_name=loyalty")
    assert "`git mv src/customer_churn src/loyalty`" in asked.stderr
    git("mv", "src/customer_churn", "customer_churn", folder=project.path)
    commit(project, "Move")
    assert "src/customer_churn is not here" in run_level(project, str(HIGH)).stderr
    assert git("status", "--porcelain", folder=project.path) == ""


def test_new_files_that_git_ignores_are_named(lived_in):
    project = lived_in(LOW)
    (project.path / ".gitignore").write_text(project.text(".gitignore") + "/deploy/\n*.json\n")
    commit(project, "Ignore")
    _, _, listed = run_level(project, str(HIGH)).stdout.partition("commit them with `git add --force`:\n")
    lines = listed.partition("\nTo")[0].splitlines()
    assert "  deploy/base/deployment.yaml" in lines
    assert "  monitoring/dashboards/model-server.json" in lines
    assert "  dvc.yaml" not in lines


def test_files_that_are_not_here_are_listed_and_can_be_taken(lived_in):
    project = lived_in(LOW)
    (project.path / "tests/conftest.py").unlink()
    commit(project, "Delete")
    done = run_level(project, str(HIGH))
    assert "Not in this repository: `poe level --take FILE` brings one back:\n  tests/conftest.py\n" in done.stdout
    commit(project, "Level")
    assert run_level(project, "--take", "tests/conftest.py").returncode == 0
    assert "Managed by copier-mlops" in project.text("tests/conftest.py")
    assert "the template has no nothing.py" in run_level(project, "--show", "nothing.py").stderr


def test_newer_seed_is_listed_and_can_be_shown(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    seed = "src/customer_churn/modeling/features.py"
    (project.path / seed).write_text("# Rewritten\n")
    commit(project, "Ours")
    source = module(later, seed)
    source.write_text(source.read_text() + "# Fixed\n")
    release(later, "v1000.0.0")
    done = run_level(project, "--update")
    assert f"`poe level --show FILE` prints the difference:\n  {seed}\n" in done.stdout
    assert project.text(seed) == "# Rewritten\n"
    commit(project, "Update")
    shown = run_level(project, "--show", seed).stdout
    assert "-# Rewritten\n" in shown
    assert "+# Fixed\n" in shown


def test_requirements_are_merged_by_requirement(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(project, "pyproject.toml", '    "pandas>=2.2,<3.1",\n', '    "pandas>=2.2,<3.1",\n    "polars>=1.30",\n')
    edit(project, "pyproject.toml", '    "pytest>=9",\n', '    "pytest>=9",\n    "pytest-cov>=7",\n')
    commit(project, "uv add polars && uv add --dev pytest-cov")
    source = module(later, "pyproject.toml.jinja")
    text = source.read_text()
    for old, new in (
        ('"pandas>=2.2,<3.1",\n', '"pandas>=2.3,<3.2",\n    "pillow>=11",\n'),
        ('"pydantic>=2.10,<3"', '"pydantic>=2.12,<3"'),
        ('"pytest>=9"', '"pytest>=9.1"'),
    ):
        assert old in text
        text = text.replace(old, new)
    source.write_text(text)
    release(later, "v1000.0.0")
    assert lift(project, version=None).conflicts == []
    written = project.text("pyproject.toml")
    for line in ("pandas>=2.3,<3.2", "pillow>=11", "polars>=1.30", "pydantic>=2.12,<3", "pytest>=9.1", "pytest-cov>=7"):
        assert f'    "{line}",\n' in written, written


def test_group_that_the_template_includes_and_a_requirement_that_the_team_removed(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(
        project, "pyproject.toml", '{ include-group = "tools" },\n', '{ include-group = "tools" },\n    "ipdb>=0.13",\n'
    )
    edit(project, "pyproject.toml", '    "joblib>=1.4,<2",\n', "")
    commit(project, "uv add --dev ipdb && uv remove joblib")
    source = module(later, "pyproject.toml.jinja")
    text = source.read_text()
    for old, new in (
        ('{ include-group = "tools" },\n', '{ include-group = "tools" },\n    { include-group = "notebook" },\n'),
        ('"joblib>=1.4,<2"', '"joblib>=1.5,<2"'),
    ):
        assert old in text
        text = text.replace(old, new)
    source.write_text(text)
    release(later, "v1000.0.0")
    assert lift(project, version=None).conflicts == []
    written = tomllib.loads(project.text("pyproject.toml"))
    dev = written["dependency-groups"]["dev"]
    assert {"include-group": "tools"} in dev
    assert {"include-group": "notebook"} in dev
    assert "ipdb>=0.13" in dev
    assert len(dev) == 3
    assert [line for line in written["project"]["dependencies"] if line.startswith("joblib")] == []


def test_requirement_that_both_changed_is_a_conflict(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(project, "pyproject.toml", '"pandas>=2.2,<3.1"', '"pandas>=2.2,<2.4"')
    commit(project, "Not yet")
    source = module(later, "pyproject.toml.jinja")
    source.write_text(source.read_text().replace('"pandas>=2.2,<3.1"', '"pandas>=2.3,<3.2"'))
    release(later, "v1000.0.0")
    assert lift(project, version=None).conflicts == ["pyproject.toml"]
    assert '"pandas>=2.2,<2.4"' in project.text("pyproject.toml")
    assert '"pandas>=2.3,<3.2"' in project.text("pyproject.toml")


def test_other_width_of_lines_costs_no_conflict(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(project, "pyproject.toml", "line-length = 120", "line-length = 79")
    project.run("ruff", "format", "--quiet", "--no-cache", ".")
    commit(project, "Our width")
    for source in later.rglob("template/{{ level_0 }}/src/*/pipeline/**/*.py"):
        source.write_text(source.read_text().replace("\n\n\ndef ", "\n\n\n# Later\ndef "))
    release(later, "v1000.0.0")
    assert lift(project, HIGH, version=None).conflicts == []
    project.run("ruff", "format", "--check", "--no-cache", ".")
    assert "# Later" in project.text(MANAGED)


def test_formatting_by_black_costs_no_conflict(lived_in, later):
    """Ruff with this width stands in for Black, which is not installed here."""
    project = with_answers(lived_in(LOW), _src_path=str(later))
    edit(project, "pyproject.toml", "[tool.ruff]\n", "[tool.black]\nline-length = 79\n\n[tool.ruff]\n")
    project.run("ruff", "format", "--quiet", "--no-cache", "--line-length", "79", ".")
    commit(project, "Black")
    for source in later.rglob("template/{{ level_0 }}/src/*/pipeline/**/*.py"):
        source.write_text(source.read_text().replace("\n\n\ndef ", "\n\n\n# Later\ndef "))
    release(later, "v1000.0.0")
    assert lift(project, HIGH, version=None).conflicts == []
    project.run("ruff", "format", "--check", "--no-cache", "--line-length", "79", "src", "tests")
    assert "# Later" in project.text(MANAGED)


def test_configuration_for_another_ruff_stops_no_lift(lived_in):
    project = lived_in(LOW)
    edit(project, "pyproject.toml", "line-length = 120", 'line-length = 120\nrequired-version = "==0.1.0"')
    commit(project, "Our ruff")
    done = run_level(project, str(HIGH))
    assert done.returncode == 0, done.stderr
    assert "was not formatted as yours is" in done.stdout
    assert "0.1.0" in done.stdout


def test_link_where_the_template_has_a_folder_is_named(lived_in):
    project = lived_in(LOW)
    shutil.rmtree(project.path / "docs")
    (project.path / "docs").symlink_to("../../docs")
    commit(project, "One place for all pages")
    assert "docs is a file or link here" in run_level(project, str(HIGH)).stderr
    assert git("status", "--porcelain", folder=project.path) == ""


def test_lock_that_uv_has_written_does_not_stop_it(lived_in):
    project = lived_in(LOW)
    (project.path / "uv.lock").write_text("version = 1\n")
    commit(project, "Lock")
    (project.path / "uv.lock").write_text("version = 2\n")
    assert run_level(project, str(HIGH)).returncode == 0
    assert project.text("uv.lock") == "version = 2\n"


def test_answers_file_of_another_name(lived_in):
    project = lived_in(LOW)
    git("mv", ANSWERS_FILE, ".copier-answers.mlops.yml", folder=project.path)
    commit(project, "As `copier copy --answers-file` makes it")
    assert run_level(project, str(HIGH)).returncode == 0
    answers = yaml.safe_load(project.text(".copier-answers.mlops.yml"))
    assert answers["applied_level"] == HIGH
    assert not (project.path / ANSWERS_FILE).exists()


def test_older_version_is_refused(lived_in, later):
    project = with_answers(lived_in(LOW), _src_path=str(later))
    git("tag", "v0.0.1", folder=later)
    done = run_level(project, "--to", "v0.0.1")
    assert "is older than" in done.stderr, done.stdout


def test_recopy_keeps_seeds(lived_in):
    """Copier advises `copier recopy` where an update fails."""
    project = lived_in(LOW)
    seed, gone = "src/customer_churn/modeling/features.py", "tests/test_model.py"
    (project.path / seed).write_text("# Rewritten\n")
    (project.path / gone).unlink()
    commit(project, "Ours")
    project.run("copier", "recopy", "--trust", "--overwrite", "--defaults", "--quiet", f"--data=maturity_level={HIGH}")
    assert project.text(seed) == "# Rewritten\n"
    assert not (project.path / gone).exists()
    assert (project.path / "expectations/raw.yaml").exists()


def test_undo_keeps_what_the_user_ignores_everywhere(lived_in, tmp_path, monkeypatch):
    project = lived_in(LOW)
    (tmp_path / "ignored").write_text(".idea/\n")
    set_git_settings(monkeypatch, {"core.excludesFile": str(tmp_path / "ignored")})
    (project.path / ".idea").mkdir()
    (project.path / ".idea/mine.xml").write_text("mine")
    before = tree(project)
    done = run_level(project, str(HIGH))
    assert done.returncode == 0, done.stderr
    for command in ("git reset --hard", "git clean -fd"):
        project.run(*command.split())
    assert difference(tree(project), before) == ""
