"""Options of level 1, each run for real: they change what is asked for, and nothing else."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from running import DEFAULT, inside, nobody_listens, registry
from support import Project

WITH_WANDB = {**DEFAULT, "experiment_tracker": "mlflow+wandb"}


@pytest.fixture(scope="module")
def chosen(installed: Callable[..., Project]) -> Project:
    """Return a project with Weights & Biases, after its first pipeline."""
    project = installed(**WITH_WANDB)
    project.poe("pipeline")
    return project


def wandb_runs(project: Project) -> list[dict[str, Any]]:
    """Return what waits to be sent to Weights & Biases."""
    return inside(project, "wandb_runs.py")


def test_wandb_has_the_run_that_mlflow_has_without_an_account(chosen):
    (run,) = wandb_runs(chosen)
    (known,) = registry(chosen).experiments["customer-churn/production"]
    assert (run["project"], run["group"], run["config"]["mlflow_run"]) == ("customer-churn", "production", known["id"])
    assert {str(value) for value in run["config"]["model"].values()} <= set(known["params"].values())
    assert run["config"]["model"].keys() == {name[6:] for name in known["params"] if name.startswith("model.")}
    assert run["config"]["data_md5"] == known["tags"]["data_md5"]
    assert chosen.json("reports/metrics.json").items() <= run["summary"].items()


def test_wandb_has_rounds_model_and_predictions(chosen):
    (run,) = wandb_runs(chosen)
    losses = [row["by_round/train_log_loss"] for row in run["history"] if "by_round/train_log_loss" in row]
    assert len(losses) == 20
    assert losses[-1] < losses[0]
    (model,) = [each for each in run["artifacts"] if each["type"] == "model"]
    trained = hashlib.sha256((chosen.path / "models/model.joblib").read_bytes()).hexdigest()
    assert (model["name"], model["sha256"]) == ("customer-churn", {"model.joblib": trained})
    assert run["table"]["columns"] == ["customer_id", "churned", "predicted_0", "predicted_1"]
    assert len(run["table"]["data"]) == 500


def test_wandb_that_cannot_be_reached_stops_no_run(chosen):
    newest = registry(chosen).newest
    done = chosen.poe("register", WANDB_API_KEY="a" * 40, WANDB_BASE_URL=nobody_listens())
    assert "Weights & Biases does not have this run" in done.stderr
    assert int(registry(chosen).newest) == int(newest) + 1


def test_tests_of_the_option_pass_and_send_nothing(chosen):
    before = len(wandb_runs(chosen))
    variables = {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": nobody_listens()}
    chosen.poe("test", "tests/test_rounds.py", "tests/test_weights_and_biases.py", **variables)
    chosen.poe("lint")
    assert len(wandb_runs(chosen)) == before
