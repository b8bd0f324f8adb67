"""Another data set takes the place of the example, by the steps of the generated README and no other."""

import re
from pathlib import Path

import pytest
import yaml
from support import Project

OWN_DATA = Path(__file__).with_name("own_data")
GATES = {"classification": {"min_accuracy": 0.9, "min_roc_auc": 0.95}, "regression": {"min_r2": 0.3}}
DATA_SETS = {"classification": "breast_cancer", "regression": "diabetes"}


def take_own_data(project: Project) -> None:
    """Follow the steps under "Your own data": the numbers are those of the README."""
    problem = project.answers["problem_type"]
    package, data_set = project.answers["package_name"], DATA_SETS[problem]
    # 1 to 3
    (project.package / "data.py").write_text((OWN_DATA / f"{data_set}.py").read_text())
    # 4
    (project.package / "simulator.py").unlink()
    tests = (OWN_DATA / "data_tests.py").read_text().replace("own_package", package)
    (project.path / "tests" / "test_data.py").write_text(tests)
    # 5
    params = yaml.safe_load(project.text("params.yaml"))
    params["gate"] = GATES[problem]
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    notes = re.sub(r"(?m)^(?!#|<).+$", "", project.text("docs/model_card_notes.md"))
    notes = re.sub(r"(?m)^## (.*)\n+", rf"## \1\n\nOf the {data_set} data.\n\n", notes)
    (project.path / "docs" / "model_card_notes.md").write_text(notes)


@pytest.mark.parametrize("problem_type", DATA_SETS)
@pytest.mark.parametrize("level", [0])
def test_own_data_is_learned_from_tested_and_linted(fresh, level, problem_type):
    project = fresh(maturity_level=level, problem_type=problem_type)
    take_own_data(project)
    printed = project.poe("train").stdout
    assert "not good enough" not in printed
    metrics = project.json("reports/metrics.json")
    if problem_type == "classification":
        assert metrics["accuracy"] > metrics["baseline_accuracy"] + 0.2
    else:
        assert metrics["rmse"] < 0.9 * metrics["baseline_rmse"]
    project.poe("test")
    project.poe("lint")
