"""Real data sets, from ingest to a live server: it predicts each test row as the trained model does."""

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from harness.data_sets import DATA_SETS, SUITE, DataSet, write_tables
from harness.projects import change, inside
from harness.server import Server, eventually, serving
from harness.template import Project

TOLERANCE = {"native": 1e-6, "onnx": 1e-5}
SHORT = {"penguins", "loans", "irises", "flights", "sleep", "diamonds", "ozone"}  # the most awkward ones
FAST = {"penguins", "flights", "sleep", "diamonds", "ozone", "biopsies"}  # at least these have an ONNX form


def parts() -> list[Any]:
    """Return the data sets by problem and framework: one or two in each run, the others in the long one."""
    found = []
    for answers, group in groupby(DATA_SETS, key=lambda data_set: data_set.answers):
        data_sets = [*group]
        for name, marks in (("short", ()), ("long", pytest.mark.long)):
            part = [each for each in data_sets if (each.name in SHORT) == (name == "short")]
            found.append(pytest.param(part, id="-".join([*answers.values(), name]), marks=marks))
    return found


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all data sets as Parquet files."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, *DATA_SETS)
    return folder


@pytest.fixture(scope="module", params=parts())
def registered(request, install: Callable[..., Project], tables: Path) -> dict[str, Any]:
    """Return a project that has registered a model of each data set of its kind, and what each predicts."""
    data_sets = request.param
    project = install(maturity_level=1, **data_sets[0].answers)
    (project.path / "expectations/raw.yaml").write_text(SUITE)
    iterations = {"scikit-learn": "model__max_iter", "xgboost": "model__n_estimators"}[project.answers["framework"]]
    change(project, "params.yaml", gate={}, **{iterations: 30})
    return {"project": project, "expected": {each.name: trained(project, each, tables) for each in data_sets}}


def trained(project: Project, data_set: DataSet, tables: Path) -> dict[str, Any]:
    """Run all stages on a data set, and return its test rows and what the trained model predicts for them."""
    data_set.take(project, tables)
    change(project, "config/tracking.yaml", model=data_set.name)
    project.stages("ingest", "validate", "split", "train", "evaluate", "register")
    return inside(project, "predictions.py", project.answers["package_name"])


def test_server_predicts_each_test_row_as_the_trained_model_does(registered):
    project, expected = registered["project"], registered["expected"]
    change(project, "config/serving.yaml", models=[*expected], max_rows=10_000, max_megabytes=50)
    with serving(project, SERVING_ALIASES="challenger") as server:
        eventually("all models", server.ready)
        platforms = {}
        for name, one in expected.items():
            described = server.ask(f"/v2/models/{name}").json
            platforms[name] = described["platform"]
            for found in (by_rows(server, name, one["rows"]), by_tensors(server, name, one["rows"], described)):
                assert (
                    furthest(found, one.get("probabilities", one["prediction"])) <= TOLERANCE[described["platform"]]
                ), name
        assert "Traceback" not in server.log
    assert {name for name in FAST & platforms.keys() if platforms[name] != "onnx"} == set()


def test_tests_of_the_project_pass_with_more_than_two_classes_and_a_card_of_the_example(installed, tables):
    penguins = next(each for each in DATA_SETS if each.name == "penguins")
    project = installed(maturity_level=1, **penguins.answers)
    penguins.take(project, tables)
    (project.path / "expectations/raw.yaml").write_text(SUITE)
    change(project, "params.yaml", gate={})
    project.poe("test", "tests/test_stages.py", "tests/test_tracking.py")


def furthest(found: list[Any], expected: list[Any]) -> float:
    """Return the largest difference of two lists of probabilities by row, or of numbers, relative to their mean."""
    assert len(found) == len(expected)
    if isinstance(expected[0], list):
        pairs = [pair for rows in zip(found, expected, strict=True) for pair in zip(*rows, strict=True)]
        return max(abs(one - other) for one, other in pairs)
    scale = max(1.0, sum(map(abs, expected)) / len(expected))
    return max(abs(one - other) for one, other in zip(found, expected, strict=True)) / scale


def by_rows(server: Server, name: str, rows: list[dict[str, Any]]) -> list[Any]:
    """Return the predictions of the API that has rows by name, which rounds probabilities to six digits."""
    answer = server.ask(f"/predict/{name}", {"rows": rows})
    assert answer.status == 200, answer.text
    predictions = answer.json["predictions"]
    if "probabilities" not in predictions[0]:
        return [row["prediction"] for row in predictions]
    return [[*row["probabilities"].values()] for row in predictions]


def by_tensors(server: Server, name: str, rows: list[dict[str, Any]], described: dict[str, Any]) -> list[Any]:
    """Return the predictions of the Open Inference Protocol."""
    inputs = [
        {**each, "shape": [len(rows)], "data": [row[each["name"]] for row in rows]} for each in described["inputs"]
    ]
    answer = server.ask(f"/v2/models/{name}/infer", {"inputs": inputs})
    assert answer.status == 200, answer.text
    last = answer.json["outputs"][-1]
    columns = last["shape"][1] if len(last["shape"]) == 2 else 0
    data = last["data"]
    return [data[start : start + columns] for start in range(0, len(data), columns)] if columns else data
