"""Training on a machine that is lost resumes and comes to the same model; the job of SageMaker runs."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.projects import bash_blocks, change
from harness.server import background, eventually
from harness.storage import amazon
from harness.template import Project, clean_environment

PREDICTIONS = """
from {package}.core.inputs import Inputs
from {package}.core.io import read_model, read_table
from {package}.core.paths import TEST
from {package}.pipeline.metrics import predict
import hashlib
print(hashlib.sha256(predict(read_model(), Inputs.read().from_table(read_table(TEST))).to_csv().encode()).hexdigest())
"""
ITERATIONS = {"scikit-learn": "model__max_iter", "xgboost": "model__n_estimators"}
XGBOOST = {"problem_type": "regression", "framework": "xgboost"}


@pytest.fixture(params=["scikit-learn", pytest.param("xgboost", marks=pytest.mark.long)])
def slow(
    request: pytest.FixtureRequest, first_pipeline: Callable[..., Any], changes: Path | None, render: Any
) -> Iterator[Project]:
    """Return a project whose training takes a while; that of XGBoost has the files of level 2 laid over."""
    if request.param == "scikit-learn":
        yield slowed(request.getfixturevalue("looping"), request.param)
        return
    ran = first_pipeline(maturity_level=1, **XGBOOST)
    with ran.changed(changes):
        shutil.copytree(render(maturity_level=2, **XGBOOST).path, ran.project.path, dirs_exist_ok=True)
        yield slowed(ran.project, request.param)


def slowed(project: Project, framework: str) -> Project:
    change(project, "params.yaml", **{ITERATIONS[framework]: 400})
    project.stages("train")
    return project


def predictions(project: Project) -> str:
    return project.python(PREDICTIONS.format(package=project.answers["package_name"]))


def test_interrupted_training_resumes_and_predicts_the_same(slow):
    expected = predictions(slow)
    variables = {**clean_environment(), "CHECKPOINTS_FOLDER": "data/checkpoints", "PYTHONUNBUFFERED": "1"}
    command = [slow.path / ".venv/bin/python", "-m", slow.answers["package_name"], "train"]
    (slow.path / "models/model.joblib").unlink()
    for sent, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 143)):
        before = times(slow)
        with background(command, cwd=slow.path, env=variables) as process:
            eventually("a new checkpoint", lambda before=before: times(slow) != before)
            process.send_signal(sent)
            assert process.wait() == code
        assert not (slow.path / "models/model.joblib").exists()
    done = subprocess.run(command, cwd=slow.path, env=variables, check=True, capture_output=True, text=True)
    assert re.search(r"resumed after \d+ of 400 iterations", done.stdout)
    assert predictions(slow) == expected
    assert not times(slow)


def times(project: Project) -> list[int]:
    """Return when each checkpoint was written."""
    return [path.stat().st_mtime_ns for path in project.path.glob("data/checkpoints/*/checkpoint")]


def test_job_of_sagemaker_trains_from_its_folders(looping, tmp_path):
    rows, output = tmp_path / "rows", tmp_path / "output"
    rows.mkdir()
    for name in ("train.parquet", "test.parquet"):
        shutil.copy(looping.path / "data" / name, rows)
    output.mkdir()
    request = yaml.safe_load(looping.text("config/sagemaker.yaml"))
    (command,) = request["AlgorithmSpecification"]["ContainerArguments"]
    command = command.replace("/opt/ml/input/data/rows", str(rows)).replace("/opt/ml/model", str(output))
    path = f"{looping.path / '.venv/bin'}:{os.environ['PATH']}"
    looping.run("sh", "-c", command, PATH=path, CHECKPOINTS_FOLDER=str(tmp_path / "checkpoints"))
    assert {"model.joblib", "inputs.json", "metrics.json"} <= {path.name for path in output.iterdir()}


def test_request_is_sent_or_refused_in_one_line(looping):
    tiny = {"ResourceConfig__InstanceType": "ml.m5.tiny", "StoppingCondition__MaxWaitTimeInSeconds": 60}
    original = looping.text("config/sagemaker.yaml")
    change(looping, "config/sagemaker.yaml", **tiny)
    refused = looping.poe("sagemaker", rc=1)
    assert "ResourceConfig.InstanceType: ml.m5.tiny is none of the" in refused.stderr
    assert "MaxWaitTimeInSeconds is below MaxRuntimeInSeconds" in refused.stderr
    (looping.path / "config/sagemaker.yaml").write_text(original)
    with amazon("customer-churn-training") as account:
        printed = looping.process("sagemaker", "--submit", **account.variables).stdout
        assert re.search(r"arn:aws:sagemaker:us-east-1:\d+:training-job/customer-churn-\d+", printed)
    unreachable = looping.poe("sagemaker", "--submit", rc=1, AWS_MAX_ATTEMPTS="1", **account.variables)
    assert "sagemaker: AWS: " in unreachable.stderr
    assert "Traceback" not in unreachable.stderr


def test_every_command_of_the_docs_works(looping):
    commands = bash_blocks(looping.text("docs/spot-training.md"))
    train, request = [looping.run("bash", "-euc", command).stdout for command in commands]
    assert "train" in train
    assert json.loads(request[request.index("{") :])["Environment"]["CHECKPOINTS_FOLDER"] == "/opt/ml/checkpoints"
