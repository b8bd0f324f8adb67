"""What a team does with a new project on its first day, for real."""

import json
import re

import pytest
from support import Project, levels

# How many packages `uv sync` may install, by level: each one is something that can break.
MOST_PACKAGES = {0: 60, 1: 220}
# A metric of each problem, and whether more of it is better.
MEASURES = {"classification": [("accuracy", True)], "regression": [("rmse", False)]}


def assert_better_than_baseline(project: Project) -> None:
    metrics = project.json("reports/metrics.json")
    for name, more_is_better in MEASURES[project.answers["problem_type"]]:
        found, baseline = metrics[name], metrics[f"baseline_{name}"]
        assert (found > baseline) if more_is_better else (found < baseline), metrics


def test_lint_is_clean(combination):
    combination.poe("lint")


def test_tests_pass_and_run_the_notebook(combination):
    printed = combination.poe("test", "-v").stdout
    assert re.search(r"test_notebook_runs\[explore\] PASSED", printed)
    assert " skipped" not in printed.splitlines()[-1]


@pytest.fixture(scope="module")
def trained(combination: Project) -> Project:
    """Return the project after its first training."""
    printed = combination.poe("train").stdout
    assert "not good enough" not in printed
    return combination


def test_training_beats_the_baseline(trained):
    assert_better_than_baseline(trained)


def test_trained_model_predicts_for_new_rows(trained):
    package = trained.answers["package_name"]
    kinds = trained.python(
        "import json, joblib, pandas\n"
        f"from {package}.data import features_and_target\n"
        "features, _ = features_and_target(pandas.read_parquet('data/test.parquet'))\n"
        "prediction = joblib.load('models/model.joblib').predict(features.head(3))\n"
        "print(json.dumps([len(prediction), prediction.dtype.kind]))"
    )
    assert json.loads(kinds) in ([3, "i"], [3, "f"])


def test_training_leaves_nothing_for_git_but_its_small_results(trained):
    changed = {line[3:] for line in trained.run("git", "status", "--porcelain", "-uall").stdout.splitlines()}
    assert changed <= {"reports/metrics.json", "reports/slices.json", "reports/validation.json", "dvc.lock"}


def test_environment_is_small(combination):
    packages = json.loads(combination.run("uv", "pip", "list", "--format", "json").stdout)
    assert len(packages) < MOST_PACKAGES[combination.answers["maturity_level"]]


def test_all_tasks_have_help(combination):
    listed = combination.poe(rc=None).stdout
    tasks = re.findall(r"^  ([a-z][\w-]*)(.*)$", listed.partition("Configured tasks")[2], re.MULTILINE)
    assert {"train", "test", "lint", "notebook"} <= {name for name, _ in tasks}
    assert [name for name, help_text in tasks if not help_text.strip()] == []


@pytest.mark.parametrize("level", levels())
def test_hooks_pass_on_a_new_project(installed, level):
    project = installed(maturity_level=level, problem_type="classification", framework="scikit-learn")
    project.run("uv", "run", "prek", "run", "--all-files")
    assert project.run("git", "diff", "--name-only").stdout == ""


def blocks(readme: str) -> list[str]:
    """Return what a reader would paste into a shell."""
    return re.findall(r"^```bash\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("level", levels())
def test_readme_can_be_followed_word_by_word(fresh, level):
    project = fresh(maturity_level=level)
    commands = blocks(project.text("README.md"))
    assert commands
    for command in commands:
        project.run("bash", "-euo", "pipefail", "-c", command)
    assert_better_than_baseline(project)
