"""Training on a machine that is lost resumes and comes to the same model; the job of SageMaker runs."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from harness.projects import change, nobody_listens
from harness.server import eventually
from harness.template import Project, clean_environment

PREDICTIONS = """
from {package}.core.inputs import Inputs
from {package}.core.io import read_model, read_table
from {package}.core.paths import TEST
from {package}.pipeline.metrics import predict
import hashlib
print(hashlib.sha256(predict(read_model(), Inputs.read().from_table(read_table(TEST))).to_csv().encode()).hexdigest())
"""
FRAMEWORKS = {"scikit-learn": "model__max_iter", "xgboost": "model__n_estimators"}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def trained(request: pytest.FixtureRequest, install: Callable[..., Project]) -> tuple[Project, str]:
    """Return a project whose training takes a while, and its predictions after a training without a break."""
    project = install(maturity_level=2, framework=request.param)
    change(project, "params.yaml", **{FRAMEWORKS[request.param]: 400})
    project.stages("ingest", "split", "train")
    return project, predictions(project)


def predictions(project: Project) -> str:
    return project.python(PREDICTIONS.format(package=project.answers["package_name"]))


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_interrupted_training_resumes_and_predicts_the_same(trained, sent, code):
    project, expected = trained
    variables = {**clean_environment(), "CHECKPOINTS_FOLDER": "data/checkpoints", "PYTHONUNBUFFERED": "1"}
    command = [project.path / ".venv/bin/python", "-m", project.answers["package_name"], "train"]
    (project.path / "models/model.joblib").unlink()
    process = subprocess.Popen(command, cwd=project.path, env=variables)
    eventually(
        "a checkpoint", lambda: [*project.path.glob("data/checkpoints/*/checkpoint")] or process.poll() is not None
    )
    process.send_signal(sent)
    assert process.wait() == code
    assert not (project.path / "models/model.joblib").exists()
    done = subprocess.run(command, cwd=project.path, env=variables, check=True, capture_output=True, text=True)
    assert re.search(r"resumed after \d+0? of 400 iterations", done.stdout)
    assert predictions(project) == expected


def test_job_of_sagemaker_trains_from_its_folders(looping, tmp_path):
    rows, output = tmp_path / "rows", tmp_path / "output"
    shutil.copytree(
        looping.path / "data", rows, ignore=lambda _, names: [n for n in names if n[:2] not in ("tr", "te")]
    )
    output.mkdir()
    package = looping.answers["package_name"]
    command = looping.python(
        f"from {package}.training import sagemaker; print(sagemaker.command('{rows}', '{output}'))"
    )
    path = f"{looping.path / '.venv/bin'}:{os.environ['PATH']}"
    looping.run("sh", "-c", command, PATH=path, CHECKPOINTS_FOLDER=str(tmp_path / "checkpoints"))
    assert {"model.joblib", "inputs.json", "metrics.json"} <= {path.name for path in output.iterdir()}


def test_request_is_sent_or_refused_in_one_line(looping, tmp_path):
    refused = looping.poe("sagemaker", rc=1, SAGEMAKER_INSTANCE="ml.m5.tiny", SAGEMAKER_MAX_WAIT_SECONDS="60")
    assert "ResourceConfig.InstanceType: ml.m5.tiny is none of the" in refused.stderr
    assert "max_wait_seconds is below max_run_seconds" in refused.stderr
    address = nobody_listens()
    account = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": address}
    unreachable = looping.poe("sagemaker", "--submit", rc=1, AWS_MAX_ATTEMPTS="1", **account)
    assert "config/sagemaker.yaml: AWS: " in unreachable.stderr
    assert "Traceback" not in unreachable.stderr
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "moto.server", "--port", address[-5:].strip(":")], stderr=log)
    try:
        eventually("a server of AWS's API", lambda: bucket_is_made(f"{address}/customer-churn-training"))
        printed = looping.process("sagemaker", "--submit", **account).stdout
        assert re.search(r"arn:aws:sagemaker:eu-west-1:\d+:training-job/customer-churn-\d+", printed)
    finally:
        server.terminate()
        server.wait()


def bucket_is_made(place: str) -> bool:
    with suppress(HTTPError, URLError):
        urlopen(Request(place, method="PUT")).close()
        return True
    return False
