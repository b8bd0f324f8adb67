"""The image of the server, built and run by a real Docker Engine; only its two base images are stand-ins."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from harness.compose import PROGRAMS as OF_STAND_INS
from harness.compose import stack
from harness.docker import PROGRAMS, Engine, engine, import_stand_ins
from harness.projects import DEFAULT, inside, nobody_listens
from harness.prometheus import ask, rules_of
from harness.server import Server, eventually, fetched, registry_at
from harness.template import Project

MOST_BYTES = 600_000_000
MOST_BYTES_WITH_ALL = 800_000_000  # of level 3: with pyarrow for the prediction log of level 2, of 150 MB, and Sigstore
TRAINING = ["dvc", "great-expectations", "ipykernel", "matplotlib", "mlflow", "onnx", "pyarrow", "pytest", "skl2onnx"]
COMPILERS = ["cc", "gcc", "g++", "clang", "make", "uv"]
OWN_STEP = """

def as_it_is(matrix):
    return matrix
"""


@pytest.fixture(scope="module")
def docker(tool: Callable[[str], str], lacking: Callable[[str], NoReturn]) -> Iterator[Engine]:
    """Return a Docker Engine of the tests' own."""
    for program in PROGRAMS:
        tool(program)
    if os.geteuid():
        lacking("only root can start a Docker Engine")
    with engine() as started:
        yield started


@pytest.fixture(scope="module")
def project(first_pipeline: Callable[..., Any]) -> Project:
    """Return the default project after its first pipeline."""
    return first_pipeline(**DEFAULT).project


@pytest.fixture(scope="module")
def image(docker: Engine, project: Project) -> str:
    """Return the image of the default project."""
    import_stand_ins(docker, project.text("Dockerfile"))
    return built(docker, project)


@pytest.fixture(scope="module")
def mlflow(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return where a server of MLflow without a model is, and an audit log for it."""
    address, folder = nobody_listens(), tmp_path_factory.mktemp("mlflow")
    with registry_at(address, project, folder):
        yield {"MLFLOW_TRACKING_URI": address, "AUDIT_DATABASE_URL": f"sqlite:///{folder}/audit.db"}


def build(docker: Engine, project: Project, *arguments: str, rc: int = 0) -> subprocess.CompletedProcess[str]:
    """Build the image as its owners do."""
    return project.poe("build", "--network=host", *arguments, rc=rc, **docker.variables)


def built(docker: Engine, project: Project) -> str:
    """Return the identifier of the image that `build` made: its name goes to the next one."""
    build(docker, project)
    (name,) = re.findall(r"docker build --tag (\S+)", project.text("tasks/level-1.toml"))
    return docker.inspect(name)["Id"]


def is_served(project: Project, server: Server) -> bool:
    """Return whether a server predicts as the model that was trained last."""
    expected = inside(project, "predictions.py", project.answers["package_name"])
    answer = server.ask("/predict", {"rows": expected["rows"]}).json
    found = [[*row["probabilities"].values()] for row in answer["predictions"]]
    return found == [pytest.approx(row, abs=1e-5) for row in expected["probabilities"]]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_image_is_small_with_all_that_is_below_it(docker, image):
    assert docker.inspect(image)["Size"] < MOST_BYTES


def test_image_is_labeled_with_its_code(docker, image, project):
    labels = docker.inspect(image)["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert labels["org.opencontainers.image.version"] == "first-model"
    assert labels["org.opencontainers.image.source"] == project.answers["repository_url"]


def test_image_can_neither_train_nor_compile(docker, image):
    names = "from importlib.metadata import distributions; print(*(each.name for each in distributions()))"
    printed = docker.docker("run", "--rm", image, "python", "-c", names).stdout
    installed = {name.lower().replace("_", "-") for name in printed.split()}
    assert {"mlflow-skinny", "onnxruntime", "scikit-learn"} <= installed
    assert installed & {*TRAINING} == set()
    found = docker.docker("run", "--rm", image, "sh", "-c", f"command -v {' '.join(COMPILERS)}", rc=None).stdout
    assert found == ""


def test_no_secret_and_no_data_gets_into_it(docker, render, tmp_path):
    folder = shutil.copytree(render(**DEFAULT).path, tmp_path / "project")
    copied = ("src/", "config/")
    wanted = {"pyproject.toml", "uv.lock", *(path for path in files(folder) if path.startswith(copied))}
    for planted in ("uv.lock", ".env", "audit.db", "data/raw.csv", "src/.env", "src/mlflow.db", "src/rows.parquet"):
        (folder / planted).parent.mkdir(exist_ok=True)
        (folder / planted).write_text("secret\n")
    everything = tmp_path / "Dockerfile"
    everything.write_text("FROM scratch\nCOPY . /\n")
    docker.docker("build", "--file", everything, "--output", tmp_path / "context", folder)
    assert files(tmp_path / "context") == wanted


def test_server_waits_for_a_model_and_then_predicts_as_the_pipeline_did(docker, image, churn, mlflow):
    with docker.serving(churn, image, MLFLOW_TRACKING_URI=mlflow["MLFLOW_TRACKING_URI"]) as server:
        assert not server.ready()
        churn.poe("register", rc=0, **mlflow)
        churn.poe("promote", "--version", "challenger", "--approved-by", "ada", rc=0, **mlflow)
        eventually("a champion", server.ready)
        assert "by its onnx path" in server.log
        assert is_served(churn, server)
        assert docker.docker("exec", "server", "id").stdout.startswith("uid=10001(server) gid=10001(server) ")
        assert docker.docker("exec", "server", "find", "/tmp", "-type", "f").stdout == "", "the server writes no file"
        eventually("its health", lambda: docker.inspect("server")["State"]["Health"]["Status"] == "healthy")
        assert server.stop() == 0


def test_image_of_level_3_serves_the_signed_champion(docker, image, autonomous, mlflow):
    everything = built(docker, autonomous)
    assert docker.inspect(everything)["Size"] < MOST_BYTES_WITH_ALL
    with docker.serving(autonomous, everything, MLFLOW_TRACKING_URI=mlflow["MLFLOW_TRACKING_URI"]) as server:
        autonomous.poe("register", **mlflow)
        autonomous.poe("promote", "--version", "challenger", "--approved-by", "ada", **mlflow)
        eventually("a champion", server.ready)
        assert is_served(autonomous, server)


def test_health_check_fails_where_no_server_answers(docker, image):
    kind, *check = docker.inspect(image)["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert "Connection refused" in docker.docker("run", "--rm", "--network=none", image, *check, rc=1).stderr


def test_model_with_a_step_of_its_own_is_served_too(docker, image, churn, mlflow):
    model = churn.modeling / "model.py"
    text = model.read_text().replace('("estimator",', '("own", FunctionTransformer(as_it_is)), ("estimator",')
    text = text.replace("from .features", "from sklearn.preprocessing import FunctionTransformer\n\nfrom .features")
    model.write_text(text + OWN_STEP)
    churn.poe("pipeline", rc=0, **mlflow)
    build(docker, churn, "--tag=own")
    served = {"MLFLOW_TRACKING_URI": mlflow["MLFLOW_TRACKING_URI"], "SERVING_ALIASES": "challenger"}
    with docker.serving(churn, "own", **served) as server:
        eventually("a challenger", server.ready)
        assert "by its native path" in server.log
        assert is_served(churn, server)


def test_import_of_what_only_training_has_fails_the_build(docker, image, churn):
    features = churn.modeling / "features.py"
    features.write_text(features.read_text() + "import pyarrow\n")
    assert "No module named 'pyarrow'" in build(docker, churn, rc=1).stderr


def test_stack_of_compose_predicts_and_is_watched(docker_compose, docker, image, churn, tool):
    for program in OF_STAND_INS:
        tool(program)
    with stack(docker, churn, image) as (running, server):
        runbook = churn.text("docs/runbooks/stack.md")
        mlflow = dict(re.findall(r"(MLFLOW_\w+)=(\S+)", runbook)) | {"MLFLOW_TRACKING_URI": running.address("mlflow")}
        churn.poe("register", **mlflow)
        churn.poe("promote", "--version", "challenger", "--approved-by", "ada", **mlflow)
        eventually("a champion", server.ready)
        assert is_served(churn, server)
        prometheus = running.address("prometheus")
        eventually("a target", lambda: [each["value"][1] for each in ask(prometheus, "model_ready")] == ["1"])
        groups = json.loads(fetched(f"{prometheus}/api/v1/rules"))["data"]["groups"]
        assert sum(len(group["rules"]) for group in groups) == len(rules_of(churn))
