"""What a team does with a new project on its first day."""

import json
import re
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import pytest
from harness.projects import bash_blocks, is_better_than_baseline, models, named
from harness.template import Project, levels

# How many packages `uv sync` may install, by level: each one is something that can break.
MOST_PACKAGES = {0: 60, 1: 220}

CHURN = {"problem_type": "classification", "framework": "scikit-learn"}
PRICE = {"problem_type": "regression", "framework": "xgboost"}
# Each problem and each framework; the highest level has the files of all. More in the long run.
SHORT = [
    {"maturity_level": level, **model} for level, model in [(0, CHURN), (0, PRICE), (1, PRICE), (levels()[-1], CHURN)]
]
EACH = [{"maturity_level": level, **model} for level, model in product(levels(), models())]

each_kind = pytest.mark.parametrize(
    "answers",
    [pytest.param(answers, marks=() if answers in SHORT else pytest.mark.long) for answers in EACH],
    ids=lambda answers: named(answers),
)


@each_kind
def test_lint_is_clean(installed, answers):
    done = installed(**answers).poe("lint")
    assert "WARN" not in done.stdout + done.stderr


@each_kind
def test_tests_pass_and_run_the_notebook_and_reach_no_store_of_the_team(installed, answers, tmp_path):
    of_the_team = {
        "AUDIT_DATABASE_URL": f"sqlite:///{tmp_path}/audit.db",
        "PREDICTION_LOG_PLACE": str(tmp_path / "log"),
    }
    project = installed(**answers)
    make_stores(project)
    paths = make_own_files(project)
    before = stored(project)
    printed = project.poe("test", "-v", **of_the_team).stdout
    assert stored(project) == before, "a test has written to what the project stores"
    assert [path for path in paths if path.read_text() != "mine"] == []
    assert not list(tmp_path.iterdir())
    assert re.search(r"test_notebook_runs\[explore\] PASSED", printed)
    assert " skipped" not in printed.splitlines()[-1]


def make_stores(project: Project) -> None:
    """Give a project what level 2 stores in `data/`, still empty."""
    for name in ("labels", "partitions", "predictions", "triggers"):
        (project.path / "data" / name).mkdir(parents=True)
    (project.path / "data/search.db").touch()


def stored(project: Project) -> dict[str, int]:
    """Return the files in `data/` with their sizes."""
    return {str(path): path.stat().st_size for path in (project.path / "data").rglob("*") if path.is_file()}


def make_own_files(project: Project) -> list[Path]:
    """Put files of the team beside the configuration, of each name that a test has, and return them."""
    texts = "".join(path.read_text() for path in project.path.glob("tests/*.py"))
    names = {"new_predictions.csv", *re.findall(r'"(\w+\.(?:csv|parquet|xlsx))"', texts)}
    paths = [project.path / name for name in names if not (project.path / name).exists()]
    for path in paths:
        path.write_text("mine")
    return paths


def test_training_beats_the_baseline_and_passes_its_gate(trained):
    assert is_better_than_baseline(trained.project)
    assert "failed the quality gate" not in trained.printed


def test_training_shows_git_only_its_small_results(new):
    made = ("data", "models", "mlflow.db", "mlruns", "reports")
    seen = new.run("git", "ls-files", "--cached", "--others", "--exclude-standard", *made).stdout.split()
    assert {"reports/metrics.json", "reports/slices.json"} <= set(seen)
    assert set(seen) <= {"reports/metrics.json", "reports/slices.json", "reports/validation.json"}


def test_environment_is_small(new):
    packages = json.loads(new.run("uv", "pip", "list", "--python", ".venv", "--format", "json").stdout)
    assert 10 < len(packages) < MOST_PACKAGES[new.answers["maturity_level"]]


def test_every_task_has_a_help_text(new):
    listed = new.process(rc=None).stdout
    tasks = re.findall(r"^  ([a-z][\w-]*)(.*)$", listed.partition("Configured tasks")[2], re.MULTILINE)
    assert {"train", "test", "lint", "notebook"} <= {name for name, _ in tasks}
    assert [name for name, help_text in tasks if not help_text.strip()] == []


@pytest.mark.parametrize("answers", [answers for answers in SHORT if answers["maturity_level"]], ids=named)
def test_hooks_pass_on_a_new_project(installed, answers):
    project = installed(**answers)
    project.poe("hooks")
    assert project.run("git", "diff", "--name-only").stdout == ""


NAMES = [
    {"project_name": "2026 churn"},
    {"project_name": "json"},
    {"project_name": "Zeta billing risk", "package_name": "loyalty"},
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names["project_name"])
def test_package_of_another_name_than_the_project_is_found(render, tmp_path, names):
    project = render(maturity_level=0, **names)
    project.run("uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert f"{project.answers['package_name']}/__main__.py" in ZipFile(wheel).namelist()


def test_readme_of_all_levels_can_be_followed_word_by_word_at_the_highest(autonomous, render):
    project = autonomous
    for path in ("models/model.joblib", "reports/metrics.json"):
        (project.path / path).unlink()
    readme = project.text("README.md")
    assert {render(maturity_level=level).text("README.md") for level in levels()} == {readme}
    commands = bash_blocks(readme)
    assert commands
    for command in commands:
        project.run("bash", "-euo", "pipefail", "-c", command)
    assert is_better_than_baseline(project)
