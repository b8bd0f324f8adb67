"""What the options of level 1 make of a project, seen without installing it."""

import configparser
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest
import yaml
from harness.template import Project, options


class Operator:
    """Stands in for Airflow's operator, and records its arguments."""

    def __init__(self, task_id: str, bash_command: str, cwd: str) -> None:
        self.task_id, self.bash_command, self.cwd = task_id, bash_command, cwd
        self.upstream: set[str] = set()

    def __rshift__(self, later: "Operator") -> "Operator":
        later.upstream.add(self.task_id)
        return later


class Dag:
    """Stands for Airflow's DAG."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Project], dict[str, Any]]:
    """Read the DAG of a project as Airflow does, without Airflow."""
    for name, content in {
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": {"BashOperator": Operator},
    }.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)

    def parse(project: Project) -> dict[str, Any]:
        tasks = runpy.run_path(str(project.path / "dags/pipeline.py"))["tasks"]
        return {task.task_id: task for task in tasks}

    return parse


def write_stages(project: Project, **stages: dict[str, Any]) -> None:
    (project.path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")


def test_airflow_runs_the_stages_one_after_another_in_the_order_of_dvc_yaml(project, parse):
    rendered = project(maturity_level=1, orchestrator="airflow")
    tasks = parse(rendered)
    assert list(tasks) == list(yaml.safe_load(rendered.text("dvc.yaml"))["stages"])
    assert {name: task.upstream for name, task in tasks.items()} == {
        "ingest": set(),
        "prepare": {"ingest"},
        "train": {"prepare"},
        "register": {"train"},
    }
    assert {Path(task.cwd) for task in tasks.values()} == {rendered.path}
    assert tasks["ingest"].bash_command.endswith("poe stage --force ingest")
    assert tasks["train"].bash_command.endswith("poe stage train")


def test_airflow_runs_stages_of_ones_own_and_groups_of_stages(project, parse):
    rendered = project(maturity_level=1, orchestrator="airflow")
    write_stages(rendered, first={"cmd": "a"}, many={"foreach": ["a", "b"], "do": {"cmd": "echo ${item}"}})
    assert {name: task.upstream for name, task in parse(rendered).items()} == {"first": set(), "many": {"first"}}


@pytest.mark.parametrize(
    ("remote", "address", "artifacts"),
    [
        ("local", "../.dvc-remote", None),
        ("s3", "s3://customer-churn-data", "s3://customer-churn-data/mlflow"),
        ("gcs", "gs://customer-churn-data", "gs://customer-churn-data/mlflow"),
        (
            "azure",
            "azure://customer-churn-data",
            "wasbs://customer-churn-data@${AZURE_STORAGE_ACCOUNT}.blob.core.windows.net/mlflow",
        ),
    ],
)
def test_data_remote_is_where_dvc_and_mlflow_keep_files(render, remote, address, artifacts):
    project = render(maturity_level=1, data_remote=remote)
    config = configparser.ConfigParser()
    config.read_string(project.text(".dvc/config").replace("    ", ""))
    assert config["core"]["remote"] == remote
    assert config[f"'remote \"{remote}\"'"]["url"] == address
    assert yaml.safe_load(project.text("config/tracking.yaml")).get("artifacts") == artifacts


def test_folder_of_a_bucket_can_be_named(render):
    project = render(maturity_level=1, data_remote="azure", data_remote_url="azure://shared/team/churn")
    assert "wasbs://shared@${AZURE_STORAGE_ACCOUNT}.blob.core.windows.net/team/churn/mlflow" in project.text(
        "config/tracking.yaml"
    )


@pytest.mark.parametrize("remote", [remote for remote in options()["data_remote"] if remote != "local"])
def test_address_of_another_cloud_is_refused(copy, remote):
    refused = copy(maturity_level=1, data_remote=remote, data_remote_url="ftp://churn")
    assert refused.exit_code != 0
    assert f"'ftp://churn' is not an address for data_remote {remote}" in str(refused.exception)


def test_no_more_than_fifteen_questions_are_asked_with_every_option(render):
    chosen = {name: values[-1] for name, values in options().items() if name != "maturity_level"}
    assert len(render(maturity_level=1, **chosen).answers) <= 15
