"""Options of level 1, each run for real: they change what is asked for, and nothing else."""

import hashlib
import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import yaml
from harness.projects import DEFAULT, change, inside, md5, nobody_listens, registry
from harness.server import background, eventually
from harness.storage import amazon
from harness.template import Project, clean_environment

CHOSEN = {**DEFAULT, "experiment_tracker": "mlflow+wandb", "data_remote": "s3", "orchestrator": "airflow"}
BUCKET = "customer-churn-data"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Return the address of a server of S3, with the bucket that the template's default names; all clients use it."""
    with amazon(BUCKET) as storage, pytest.MonkeyPatch.context() as patch:
        for name, value in storage.variables.items():
            patch.setenv(name, value)
        yield storage.address


@pytest.fixture(scope="module")
def chosen(install: Callable[..., Project], s3: str) -> Project:
    """Return a project with all of these options, after its first pipeline; a worker may need it twice."""
    project = install(**CHOSEN)
    model = project.modeling / "model.py"
    estimator = model.read_text(encoding="utf-8").replace("random_state=seed", "early_stopping=True, random_state=seed")
    model.write_text(estimator, encoding="utf-8")
    project.poe("pipeline")
    project.commit("First model")
    return project


@dataclass(frozen=True)
class FirstRun:
    """The run of the first pipeline, as each tracker has it, and what it left in the project."""

    wandb: dict[str, Any]
    mlflow: dict[str, Any]
    metrics: dict[str, Any]
    model_sha256: str


@pytest.fixture(scope="module", autouse=True)
def first_run(chosen: Project) -> FirstRun:
    """Read the first run before any test adds another one, whichever test this worker runs first."""
    (waiting,) = wandb_runs(chosen)
    (tracked,) = registry(chosen).experiments["customer-churn/production"]
    model = hashlib.sha256((chosen.path / "models/model.joblib").read_bytes()).hexdigest()
    return FirstRun(waiting, tracked, chosen.json("reports/metrics.json"), model)


@pytest.fixture(autouse=True)
def _committed(chosen: Project) -> Iterator[None]:
    """Commit what a test left, whichever test comes next."""
    yield
    if chosen.run("git", "status", "--porcelain").stdout:
        chosen.commit("Results")


def wandb_runs(project: Project) -> list[dict[str, Any]]:
    """Return what waits to be sent to Weights & Biases."""
    return inside(project, "wandb_runs.py")


def test_wandb_has_the_run_that_mlflow_has_without_an_account(first_run):
    run, known = first_run.wandb, first_run.mlflow
    assert (run["project"], run["group"], run["config"]["mlflow_run"]) == ("customer-churn", "production", known["id"])
    assert {str(value) for value in run["config"]["model"].values()} <= set(known["params"].values())
    assert run["config"]["model"].keys() == {name[6:] for name in known["params"] if name.startswith("model.")}
    assert run["config"]["data_md5"] == known["tags"]["data_md5"]
    assert first_run.metrics.items() <= run["summary"].items()


def test_wandb_has_learning_curve_model_and_predictions(first_run):
    run = first_run.wandb
    scores = [row["by_iteration/train_score"] for row in run["history"] if "by_iteration/train_score" in row]
    assert len(scores) > 10
    assert scores[-1] > scores[0], "the score is the negative loss"
    assert {"by_iteration/train_score", "by_iteration/validation_score"} <= first_run.mlflow["metrics"].keys()
    (model,) = [each for each in run["artifacts"] if each["type"] == "model"]
    assert (model["name"], model["sha256"]) == ("customer-churn", {"model.joblib": first_run.model_sha256})
    assert run["table"]["columns"] == ["customer_id", "churned", "predicted_0", "predicted_1"]
    assert len(run["table"]["data"]) == 500


def test_wandb_that_cannot_be_reached_stops_no_run(chosen):
    newest = registry(chosen).newest
    done = chosen.poe("register", WANDB_API_KEY="a" * 40, WANDB_BASE_URL=nobody_listens())
    assert "Weights & Biases: the run was not sent" in done.stderr
    assert int(registry(chosen).newest) == int(newest) + 1


def test_tests_of_the_option_pass_and_send_nothing(chosen):
    before = len(wandb_runs(chosen))
    variables = {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": nobody_listens()}
    chosen.poe("test", "tests/test_weights_and_biases.py", **variables)
    chosen.poe("lint")
    assert len(wandb_runs(chosen)) == before


def test_bucket_has_data_model_and_the_files_of_runs_without_a_key_in_any_file(chosen, s3):
    chosen.run("uv", "run", "dvc", "push")
    hashes = {
        path: md5(chosen.path / path) for path in ("data/raw.parquet", "data/train.parquet", "models/model.joblib")
    }
    with urlopen(f"{s3}/{BUCKET}?list-type=2&max-keys=1000") as listed:
        kept = re.findall("<Key>(.*?)</Key>", listed.read().decode())
    assert {f"files/md5/{each[:2]}/{each[2:]}" for each in hashes.values()} <= set(kept)
    assert [
        key for key in kept if re.fullmatch(r"mlflow/customer-churn/production/models/m-\w+/artifacts/MLmodel", key)
    ]
    assert [key for key in kept if key.startswith("mlflow/") and key.endswith("reports/index.html")]

    shutil.rmtree(chosen.path / ".dvc/cache")
    for path in hashes:
        (chosen.path / path).unlink()
    chosen.run("uv", "run", "dvc", "pull")
    assert {path: md5(chosen.path / path) for path in hashes} == hashes
    assert chosen.run("git", "status", "--porcelain").stdout == ""
    assert chosen.run("git", "grep", "--name-only", s3, rc=1).stdout == ""


def test_champion_is_compared_from_the_bucket(chosen):
    found = registry(chosen)
    chosen.poe("promote", "--version", str(found.challenger), "--approved-by", "Grace")
    assert "is the challenger" in chosen.poe("register").stdout


def test_missing_bucket_is_one_line(chosen):
    before = registry(chosen).newest
    refused = chosen.poe("register", rc=None, AWS_ENDPOINT_URL=nobody_listens(), AWS_MAX_ATTEMPTS="1")
    assert refused.returncode != 0
    assert ", or its artifacts: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert registry(chosen).newest == before


def test_airflow_runs_what_changed_of_the_stages_in_dvc_yaml(chosen):
    pipeline = yaml.safe_load(chosen.text("dvc.yaml"))
    pipeline["stages"]["own"] = {
        "cmd": "cp reports/metrics.json data/own.json",
        "deps": ["reports/metrics.json"],
        "outs": ["data/own.json"],
    }
    (chosen.path / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    change(chosen, "params.yaml", model__max_iter=60)
    before = int(registry(chosen).newest)
    chosen.poe("airflow", "db", "migrate")
    printed = chosen.poe("airflow", "dags", "test", "customer-churn").stdout
    ran = re.findall(r"Running stage '(\w+)'", printed)
    assert ran == ["ingest", "train", "register", "own"]
    assert "state=success" in printed
    assert chosen.json("data/own.json") == chosen.json("reports/metrics.json")
    assert int(registry(chosen).newest) == before + 1
    assert ".airflow" not in chosen.run("git", "status", "--porcelain").stdout


def test_airflow_runs_the_stages_by_its_schedule(chosen, tmp_path):
    """By its own scheduler and executor, and with its database in a folder of its own."""
    ports = [urlsplit(nobody_listens()).port for _ in range(3)]
    names = [
        "AIRFLOW__API__PORT",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
    ]
    variables = {name: str(port) for name, port in zip(names, ports, strict=True)} | {"AIRFLOW_HOME": str(tmp_path)}
    environment = {**clean_environment(), **variables}
    command, log = ["uv", "run", "poe", "airflow", "standalone"], tmp_path / "standalone.log"

    def scheduled() -> list[dict[str, Any]]:
        found = chosen.poe("airflow", "dags", "list-runs", "customer-churn", "--output", "json", **variables).stdout
        return json.loads(found.splitlines()[-1])

    with background(command, log, signal.SIGTERM, cwd=chosen.path, env=environment):
        eventually("Airflow", lambda: "Airflow is ready" in log.read_text())
        chosen.poe("airflow", "dags", "unpause", "customer-churn", **variables)
        (run,) = eventually("the run of last week", lambda: [each for each in scheduled() if each["end_date"]])
    assert (run["state"], run["run_id"][:9]) == ("success", "scheduled")
    logs = {path.parent.name.partition("=")[2]: path.read_text() for path in tmp_path.rglob("attempt=1.log")}
    assert {*logs} == {*yaml.safe_load(chosen.text("dvc.yaml"))["stages"]}
    assert "Running stage 'ingest'" in logs["ingest"]
