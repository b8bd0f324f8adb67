"""Another data set takes the place of the example, by the steps of the generated README and no other."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from harness.projects import change, is_better_than_baseline, registry
from harness.template import Project, levels

OWN_DATA = Path(__file__).with_name("own_data")
DATA_SETS: dict[str, dict[str, str]] = {
    "breast_cancer": {"problem_type": "classification"},
    "diabetes": {"problem_type": "regression"},
    "flags": {"problem_type": "regression", "framework": "xgboost"},
}
GATES = {"classification": {"min_accuracy": 0.9, "min_roc_auc": 0.95}, "regression": {"min_r2": 0.3}}


def take_own_data(project: Project, data_set: Path) -> None:
    """Follow the steps under "Your own data", in their order."""
    put(project, f"src/{project.answers['package_name']}/modeling/data.py", data_set.with_suffix(".py"))
    (project.modeling / "simulator.py").unlink()
    put(project, "tests/test_data.py", OWN_DATA / "data_tests.py")
    if project.answers["maturity_level"]:
        put(project, "expectations/raw.yaml", data_set.with_suffix(".yaml"))
        notes = project.text("docs/model_card_notes.md")
        own_notes = re.sub(r"(^## .*\n\n)[^#]+", r"\1On our own rows.\n\n", notes, flags=re.MULTILINE)
        (project.path / "docs/model_card_notes.md").write_text(own_notes)
    change(project, "params.yaml", gate=GATES[project.answers["problem_type"]])


def put(project: Project, path: str, own_file: Path) -> None:
    (project.path / path).write_text(own_file.read_text().replace("own_package", project.answers["package_name"]))


def kinds() -> list[Any]:
    """Return level and data set of each project: three in each run, the others in the long one."""
    both = product(levels(), DATA_SETS)
    short = {(0, "diabetes"), (1, "breast_cancer"), (1, "flags")}
    return [
        pytest.param(one, id="-".join(map(str, one)), marks=() if one in short else pytest.mark.long) for one in both
    ]


@pytest.fixture(scope="module", params=kinds())
def own(install, request) -> Project:
    """Return a project in which nothing but the data set was exchanged, after its first training."""
    level, data_set = request.param
    project = install(maturity_level=level, **DATA_SETS[data_set])
    take_own_data(project, OWN_DATA / data_set)
    assert "failed the quality gate" not in project.poe("pipeline" if level else "train").stdout
    return project


def test_model_of_own_data_beats_the_baseline(own):
    assert is_better_than_baseline(own)


def test_model_of_own_data_is_registered_with_a_card(own, render):
    if not own.answers["maturity_level"]:
        assert not (own.path / "mlflow.db").exists()
        return
    found = registry(own)
    assert found.challenger == "1"
    assert found.versions["1"]["tags"]["fast_path"] == "onnx"
    card = own.text("reports/model_card.md")
    assert "On our own rows." in card
    assert "satisfaction" not in card, "that is a feature of the example"
    own.poe("card", "--check")
    notes = own.path / "docs/model_card_notes.md"
    written = notes.read_text()
    notes.write_text(render(**own.answers).text("docs/model_card_notes.md"))
    described = "Intended use, Training data, Limitations, Ethical considerations"
    assert f"empty under {described}: write it" in own.poe("card", "--check", rc=1).stderr
    notes.write_text(written)


def test_project_with_own_data_passes_its_checks(own):
    own.poe("lint")
    own.poe("test")
