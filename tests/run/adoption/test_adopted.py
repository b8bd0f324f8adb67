"""Repositories of others end with their data and their model in the pipeline, after the steps of docs/adopted.md."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from harness.adoption import FOREIGN, ROWS, Foreign
from harness.lifting import run_tool
from harness.projects import change
from harness.template import Project

NOTEBOOK = "pd.read_csv('data/customers.csv', sep=';', dtype={'id': str}, parse_dates=['seen'], date_format='%d.%m.%Y')"
CONSTANTS = {
    "ENTITY": "id",
    "TIMESTAMP": "seen",
    "TARGET": "left",
    "VALUE": "value",
    "KNOWN_LATER": ["left", "value"],
    "SLICES": ["plan"],
}
# Each way to name data, model and packages; all are adopted in each run, without an environment, by tests/lift/test_adopt.py.
SHORT = {
    "plain scripts",
    "notebook heap",
    "Poetry",
    "monorepo",
    "DVC, with stages and parameters",
    "Windows line ends, formatted by Black",
}


def adopted(shape: Foreign, template: Path, folder: Path) -> Project:
    """Adopt a repository and take the commands that are printed after it, and those of the page."""
    folder = shape.write(folder)
    done = run_tool(folder, "adopt", "--defaults", "--template", template)
    assert done.returncode == 0, done.stderr
    project = Project(folder, yaml.safe_load((folder / ".copier-answers.yml").read_text()))
    commands = re.findall(r"^  ((?:uv|git) .*)$", done.stdout.partition("Next:")[2], re.MULTILINE)
    assert commands[0] == "uv sync"
    for each in [*commands[:-1], *shape.steps]:
        project.run("bash", "-euc", each.replace("poe level", f"{shlex.quote(sys.executable)} -m copier_mlops level"))
    return project


def call_own_code(project: Project, shape: Foreign) -> None:
    """Follow the page under "Data" and "Features and model"."""
    data, model = project.modeling / "data.py", project.modeling / "model.py"
    module, _, function = shape.data.rpartition(".")
    text = re.sub(
        r"^from \.simulator import simulate$",
        f"from {module} import {function}" if module else "",
        data.read_text(),
        flags=re.MULTILINE,
    )
    for name, value in CONSTANTS.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
    read = f"{function}()" if function else NOTEBOOK
    data.write_text(
        re.sub(r"^    return simulate\(.*$", f"    return {read}.assign(value=1.0)", text, flags=re.MULTILINE)
    )
    if shape.model:
        module, _, function = shape.model.rpartition(".")
        text = re.sub(r"^    estimator = .*$", f"    estimator = {function}()", model.read_text(), flags=re.MULTILINE)
        model.write_text(text.replace("from .features", f"from {module} import {function}\nfrom .features"))
    (project.modeling / "simulator.py").unlink()
    (project.path / "tests/test_data.py").unlink()
    change(project, "params.yaml", gate={"min_accuracy": 0.1, "min_roc_auc": 0.1})


@pytest.mark.parametrize(
    "shape",
    [pytest.param(each, marks=() if each.name in SHORT else pytest.mark.long) for each in FOREIGN],
    ids=lambda each: each.name,
)
def test_own_data_and_model_are_in_the_pipeline(shape, template, tmp_path):
    project = adopted(shape, template, tmp_path / "churn")
    if shape.is_checked:
        assert "accuracy" in project.process("train").stdout  # the example, at once
    call_own_code(project, shape)
    project.process("train")
    facts = "import joblib, pandas; print(sum(len(pandas.read_parquet(f'data/{name}.parquet')) for name in ('train', 'test')))"
    facts += "; print(*str(joblib.load('models/model.joblib').steps[-1][1]).split())"
    rows, estimator = project.run("uv", "run", "python", "-c", facts, PYTHONPATH="src").stdout.splitlines()
    assert int(rows) == ROWS
    assert estimator == ("GaussianNB(var_smoothing=1e-07)" if shape.model else estimator)
    if shape.is_checked:
        project.process("format")
        project.process("lint")
        project.process("test")
