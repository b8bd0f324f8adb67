"""The pipeline that is compiled of all `dvc.yaml`: its own commands, in the order of its graph, each in a clone of its own."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.kube import problems
from harness.projects import DEFAULT, change, md5, registry, stages_run
from harness.stub import served
from harness.template import Project, clean_environment

PIPELINE, ARGO = "deploy/kubeflow/pipeline.yaml", "deploy/argo/pipeline.yaml"
VALIDATE = """
import sys, yaml
from google.protobuf.json_format import ParseDict
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec
spec, _ = yaml.safe_load_all(open(sys.argv[1]))
ParseDict(spec, PipelineSpec())
try:
    ParseDict({**spec, "tasks": 1}, PipelineSpec())
except Exception:
    print("valid")
"""
# Another pipeline in the same repository, beside the stage `register`.
SUMMARY = {
    "stages": {
        "summary": {
            "cmd": "python -c \"open('rows.txt', 'w').write(str(len(open('../data/test.parquet', 'rb').read())))\"",
            "deps": ["../data/test.parquet"],
            "outs": [{"rows.txt": {"cache": False}}],
        }
    }
}


@pytest.fixture(scope="module")
def piped(
    first_pipeline: Callable[..., Any], changes: Path | None, render: Callable[..., Project], disk: Path
) -> Iterator[Project]:
    """Return a project whose remote is at the same place for all clones, and whose parameters were changed."""
    ran = first_pipeline(**{**DEFAULT, "maturity_level": 2})
    with ran.changed(changes):
        project = ran.project
        shutil.copytree(render(maturity_level=2, orchestrator="kubeflow").path, project.path, dirs_exist_ok=True)
        project.run("uv", "sync", "--quiet")
        (project.path / "summary").mkdir()
        (project.path / "summary/dvc.yaml").write_text(yaml.safe_dump(SUMMARY), encoding="utf-8")
        project.run("uv", "run", "dvc", "remote", "modify", "local", "url", tempfile.mkdtemp(dir=disk))
        project.run("uv", "run", "dvc", "push")
        change(project, "params.yaml", data__customers=1900)
        change(project, "config/retraining.yaml", comparison__margin=0.9)
        project.process("kubeflow")
        project.commit("Pipeline")
        yield project


def test_compiled_pipeline_runs_each_stage_once_in_a_fresh_clone(piped: Project, tmp_path: Path):
    assert piped.run("uv", "run", "python", "-c", VALIDATE, PIPELINE).stdout == "valid\n"
    raw = md5(piped.path / "data/raw.parquet")
    steps = Steps(piped, tmp_path)
    printed = {name: steps.run(name) for name in steps.order}
    ran = {name: re.findall(r"^Running stage '(.+)'", text, re.MULTILINE) for name, text in printed.items()}
    assert ran == {
        "ingest": ["ingest"],
        "prepare": ["prepare"],
        "train": ["train"],
        "register": ["register"],
        "summary-summary": ["summary/dvc.yaml:summary"],
    }
    assert registry(piped).challenger == registry(piped).newest == "2"

    # What the steps found can be committed where the project is.
    piped.poe("remote-stage", *(str(steps.states[name]) for name in ("register", "summary-summary")))
    piped.run("uv", "run", "dvc", "pull", "--force")
    assert "up to date" in piped.run("uv", "run", "dvc", "status").stdout
    assert md5(piped.path / "data/raw.parquet") != raw
    piped.commit("Results")
    assert "git checkout" in piped.poe("lineage", "--version", "2").stdout

    # What is up to date now is skipped, but for what reads from outside.
    again = Steps(piped, tmp_path / "again")
    assert stages_run(again.run("ingest")) == ["ingest"]
    assert stages_run(again.run("prepare")) == []


def test_steps_are_retried_limited_and_never_cached(piped: Project):
    spec, platform = yaml.safe_load_all(piped.text(PIPELINE))
    for task in spec["root"]["dag"]["tasks"].values():
        assert not task["cachingOptions"].get("enableCache")
        assert task["retryPolicy"]["maxRetryCount"] == 2
    for executor in spec["deploymentSpec"]["executors"].values():
        limits = executor["container"]["resources"]
        assert (limits["resourceCpuLimit"], limits["resourceMemoryLimit"]) == ("2", "4Gi")
    (kubernetes,) = platform["platforms"].values()
    assert kubernetes["deploymentSpec"]["executors"].keys() == spec["deploymentSpec"]["executors"].keys()


def test_argo_has_the_tasks_of_all_dvc_yaml_and_keeps_the_rest(piped: Project):
    manifest = yaml.safe_load(piped.text(ARGO))
    assert problems(manifest) == []
    stages, _ = manifest["spec"]["workflowSpec"]["templates"]
    assert {task["name"]: sorted(task.get("dependencies", [])) for task in stages["dag"]["tasks"]} == {
        "ingest": [],
        "prepare": ["ingest"],
        "train": ["prepare"],
        "register": ["ingest", "prepare", "train"],
        "summary-summary": ["prepare"],
    }
    assert "# until the Secret is there" in piped.text(ARGO)
    once = piped.text(ARGO)
    piped.poe("kubeflow")
    assert piped.text(ARGO) == once


def test_unknown_stages_and_wrong_quantities_are_one_line(piped: Project):
    refused = piped.poe("kubeflow", rc=1, KUBEFLOW_STAGES='{"fit": {"cpu": "1", "memory": "1Gi"}}').stderr
    assert "stages: there is no stage fit; there are ingest, prepare" in refused
    refused = piped.poe("kubeflow", rc=1, KUBEFLOW_RESOURCES='{"cpu": "many", "memory": "1Gi"}').stderr
    assert refused.startswith("kubeflow: config/kubeflow.yaml: Kubeflow rejects the pipeline: Invalid cpu string")
    assert "there is no stage fit" in piped.poe("remote-stage", "--stage", "fit", rc=1).stderr
    refused = piped.poe("kubeflow", "--submit", "http://127.0.0.1:9", rc=1).stderr
    assert refused.startswith("kubeflow: Kubeflow at http://127.0.0.1:9: ")


def test_pipeline_is_uploaded_and_replaces_the_recurring_run(piped: Project, kubeflow):
    host, received = kubeflow
    printed = piped.poe("kubeflow", "--submit", host).stdout
    assert "recurring run run-2: 0 17 3 * * *" in printed
    made = received[("POST", "/apis/v2beta1/recurringruns")]
    assert made["trigger"]["cron_schedule"]["cron"] == "0 17 3 * * *"
    assert made["max_concurrency"] == 1
    assert made["no_catchup"]
    assert made["pipeline_version_reference"]["pipeline_version_id"] == "version-1"
    assert ("DELETE", "/apis/v2beta1/recurringruns/run-1") in received


class Steps:
    """The tasks of a compiled pipeline, which run here as their containers would."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.spec = next(yaml.safe_load_all(project.text(PIPELINE)))
        self.tasks = self.spec["root"]["dag"]["tasks"]
        graph = {name: task.get("dependentTasks", []) for name, task in self.tasks.items()}
        self.order = [*TopologicalSorter(graph).static_order()]
        self.states = {name: folder / "states" / name for name in self.order}

    def run(self, name: str) -> str:
        """Run the command of a task in an empty folder, and return what it prints."""
        label = self.spec["components"][self.tasks[name]["componentRef"]["name"]]["executorLabel"]
        container = self.spec["deploymentSpec"]["executors"][label]["container"]
        (folder := self.folder / name).mkdir(parents=True)
        self.states[name].parent.mkdir(exist_ok=True)
        database = f"sqlite:///{self.project.path}"
        stores = {"MLFLOW_TRACKING_URI": f"{database}/mlflow.db", "AUDIT_DATABASE_URL": f"{database}/audit.db"}
        variables = {each["name"]: each["value"] for each in container["env"]}
        assert variables == {"REPOSITORY": self.project.answers["repository_url"]}
        done = subprocess.run(
            [self.filled(name, word) for word in [*container["command"], *container["args"]]],
            cwd=folder,
            env={
                **clean_environment(),
                **stores,
                "REPOSITORY": str(self.project.path),
                "UV_PROJECT_ENVIRONMENT": str(self.project.path / ".venv"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def filled(self, name: str, word: str) -> str:
        """Return a word of a command as Kubeflow fills it in."""
        inputs = self.tasks[name]["inputs"]
        if found := re.fullmatch(r"\{\{\$\.inputs\.artifacts\['(\w+)'\]\.path\}\}", word):
            producer = inputs["artifacts"][found[1]]["taskOutputArtifact"]
            return str(self.states[producer["producerTask"]])
        if re.fullmatch(r"\{\{\$\.outputs\.artifacts\['state'\]\.path\}\}", word):
            return str(self.states[name])
        if found := re.fullmatch(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}", word):
            parameters = self.spec["root"]["inputDefinitions"]["parameters"]
            return parameters[inputs["parameters"][found[1]]["componentInputParameter"]]["defaultValue"]
        return word


@pytest.fixture
def kubeflow() -> Iterator[tuple[str, dict[tuple[str, str], Any]]]:
    """Return the address of a stand-in for Kubeflow's API, which has one recurring run, and what it receives."""
    received: dict[tuple[str, str], Any] = {}
    answers = {
        "/apis/v2beta1/pipelines": {"pipelines": []},
        "/apis/v2beta1/pipelines/upload": {"pipeline_id": "pipeline-1", "display_name": "customer-churn"},
        "/apis/v2beta1/pipelines/pipeline-1/versions": {"pipeline_versions": [{"pipeline_version_id": "version-1"}]},
        "/apis/v2beta1/experiments": {"experiment_id": "experiment-1"},
        "/apis/v2beta1/recurringruns": {"recurringRuns": [{"recurring_run_id": "run-1"}]},
    }

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            is_json = "json" in self.headers.get("content-type", "") and body
            received[self.command, path] = json.loads(body) if is_json else body
            found = (
                {"recurring_run_id": "run-2"}
                if (self.command, path.split("/")[-1]) == ("POST", "recurringruns")
                else answers.get(path, {})
            )
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

    with served(Handler) as address:
        yield address, received
