"""A second model, added by the commands of the how-to: trained, promoted, served and trained again beside the first."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from harness.projects import DEFAULT, bash_blocks, change
from harness.server import Server, eventually, exporting, fetched, serving
from harness.template import Project

ROWS = """
import json
from {package}.core import io, paths, inputs
from {package}.modeling.data import features_and_target
print(json.dumps(inputs.Inputs.read().to_rows(features_and_target(io.read_table(paths.TEST))[0].head(3))))
"""
SOON = {"MONITORING_LABEL_DELAY_HOURS": "0"}


@dataclass(frozen=True)
class Added:
    """A project with two models, as the commands of the page left it."""

    project: Project
    printed: str  # by the pipeline when it trained the second
    uncommitted: str


@pytest.fixture(scope="module")
def two(first_pipeline: Callable[..., Any], changes: Path | None) -> Iterator[Added]:
    """Add a second model by the commands of its page."""
    ran = first_pipeline(**{**DEFAULT, "maturity_level": 2})
    with ran.changed(changes):
        project = ran.project
        add, tasks, train, _ = bash_blocks(project.text("docs/second-model.md"))
        typed(project, add)
        typed(project, tasks)
        change(project, "value/params.yaml", data__customers=1500, model__learning_rate=0.1)
        printed = typed(project, train).stdout
        yield Added(project, printed, project.run("git", "status", "--porcelain").stdout)


def typed(project: Project, commands: str) -> CompletedProcess[str]:
    """Type commands into a shell."""
    return project.run("bash", "-euo", "pipefail", "-c", commands)


def task(project: Project, name: str, *arguments: str, **variables: Any) -> str:
    """Run a task of the second model and return what it prints."""
    module, *first = project.tasks()[name].removeprefix("python -m ").split()
    return project.fork(module=module, arguments=[*first, *arguments], **variables).stdout


@pytest.fixture
def project(two: Added) -> Project:
    return two.project


def test_each_model_has_its_own_pipeline_versions_and_lineage(two: Added):
    project = two.project
    assert re.findall(r"^Running stage '(.+)'", two.printed, re.MULTILINE) == [
        f"value/dvc.yaml:{stage}" for stage in ("ingest", "prepare", "train", "register")
    ]
    assert "value 1 is the champion, approved by Ada Lovelace" in two.printed
    assert two.uncommitted == ""
    production = project.text("deploy/overlays/production/image/kustomization.yaml")
    assert "SERVING_ALIASES=customer-churn@release-1,value@release-1\n" in production
    first, second = project.json("reports/run.json"), project.json("value/reports/run.json")
    assert (first["model"], second["model"]) == ("customer-churn", "value")
    assert first["train_rows"] > second["train_rows"]
    for name, words in (("lineage", "customer-churn 1"), ("value-lineage", "value 1")):
        found = task(project, name, "--version", "1") if "-" in name else project.poe(name, "--version", "1").stdout
        assert words in found
        assert "git checkout" in found
    project.process("lint")


def test_one_server_has_both_models_with_aliases_of_their_own(project: Project):
    with serving(project, SERVING_ALIASES="customer-churn@champion,value@release-1") as server:
        eventually("both models", server.ready)
        monitored(project, server)
        rows = {"rows": json.loads(project.python(ROWS.format(package=project.answers["package_name"])))}
        answers = {path: server.ask(path, rows).json for path in ("/predict", "/predict/value")}
        named = {path: (one["model"], one["version"]) for path, one in answers.items()}
        assert named == {"/predict": ("customer-churn", "1"), "/predict/value": ("value", "1")}
        assert answers["/predict"]["predictions"] != answers["/predict/value"]["predictions"]


def monitored(project: Project, server: Server) -> None:
    """Each model is monitored by its own rows of the log, and one exporter serves the results of both."""
    for name in ("replay", "value-replay"):
        assert "rows are predicted" in project.process(name, "--server", server.url).stdout
    for name, folder in (("monitor", "."), ("value-monitor", "value")):
        assert (
            "predictions of version 1" in project.process(name, "--start", "2026-01-01", "--end", "now", **SOON).stdout
        )
        run = project.json(f"{folder}/reports/run.json")
        assert project.json(f"{folder}/reports/monitoring.json")["rows"] == run["test_rows"]
    with exporting(project) as address:
        metrics = fetched(f"{address}/metrics")
        rows = dict(re.findall(r'^monitoring_rows\{model="(.+)",version="1"\} (\d+)', metrics, re.MULTILINE))
        assert rows.keys() == {"customer-churn", "value"}
        assert len(re.findall("^# TYPE monitoring_rows ", metrics, re.MULTILINE)) == 1
        alert = {
            "status": "firing",
            "labels": {"alertname": "DataDrift", "model": "value"},
            "startsAt": "2026-01-01T00:00:00Z",
        }
        assert fetched(f"{address}/alerts", {"alerts": [alert]}) == "1 new\n"
    assert len([*(project.path / "value/data/triggers").iterdir()]) == 1
    assert not (project.path / "data/triggers").exists()


def test_promotion_rollback_and_retraining_concern_one_model_alone(project: Project):
    before = project.poe("versions").stdout
    task(project, "value-stage", "--force", "register")
    assert "value 2 is the champion" in task(project, "value-promote", "--version", "2", "--approved-by", "Ada")
    assert "value 1 is the champion again" in task(project, "value-rollback")
    assert "retrain: yes, the data of champion 1 ends" in task(project, "value-retrain", "--today", "2030-01-01")
    assert project.json("value/reports/retrain.json")["model"] == "value"
    assert not (project.path / "reports/retrain.json").exists()
    assert project.poe("versions").stdout == before
    events = [line for line in project.poe("audit").stdout.splitlines() if "customer-churn" in line]
    assert [line.split()[1] for line in events] == ["registration", "promotion", "promotion"]
    assert "none changed" in project.poe("audit", "verify").stdout
