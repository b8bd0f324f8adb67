"""Requests are what the platforms' own types accept, the command of a job trains, and endpoints predict as `/predict`."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.projects import bash_blocks, inside
from harness.server import eventually, serving
from harness.template import Project

PACKAGES = {
    "vertex": "google-cloud-aiplatform",
    "databricks": "databricks-bundles",
    "kubernetes": "kubeflow-trainer-api",
}
SPOILT = [
    ("vertex", "strategy: SPOT", "strategy: SPOTS", "Invalid enum value SPOTS"),
    ("vertex", "serviceAccount:", "serviceAcount:", 'no field named "serviceAcount"'),
    ("databricks", "SPOT_WITH_FALLBACK", "SPOT_WITH", "'SPOT_WITH' is not a valid AwsAvailability"),
    ("databricks", "num_workers:", "num_worker:", "Unexpected field 'num_worker'"),
    ("kubernetes", "runtimePatches:", "runtimePatch:", "spec.runtimePatch: there is no such field"),
    ("kubernetes", "numNodes: 1", "numNodes: one", "numNodes"),
]
SKYPILOT = """
import socket
def refuse(*_): raise AssertionError("the network")
socket.getaddrinfo = refuse
import sky
for path in ("sky.yaml", "misspelt.yaml"):
    try:
        print(sorted(str(one) for one in sky.Task.from_yaml(path).resources))
    except ValueError as error:
        print(error)
"""


@pytest.mark.parametrize("platform", PACKAGES)
def test_request_is_one_that_the_platform_takes(autonomous, platform):
    submit = ["uv", "run", "--quiet", "--with", PACKAGES[platform], "poe", "--quiet", "submit"]
    kinds = ["--backend", "--endpoint"] if platform != "kubernetes" else ["--backend"]
    for kind in kinds:
        done = autonomous.run(*submit, kind, platform)
        assert json.loads(done.stdout)
        assert "not checked" not in done.stderr
    path = autonomous.path / f"config/jobs/{platform}.yaml"
    original = path.read_text()
    for _, good, bad, message in (one for one in SPOILT if one[0] == platform):
        assert good in original
        path.write_text(original.replace(good, bad))
        refused = autonomous.run(*submit, "--backend", platform, rc=1)
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr


def test_every_command_of_the_docs_works_where_the_types_are_not_installed(autonomous):
    local, vertex, sagemaker = bash_blocks(autonomous.text("docs/submit.md"))[0].splitlines()
    assert json.loads(printed(autonomous, local))["run"]["command"] == ["poe", "pipeline"]
    assert "CreateCustomJob" in json.loads(printed(autonomous, vertex))
    assert "CreateEndpoint" in json.loads(printed(autonomous, sagemaker))
    assert "uv run --with google-cloud-aiplatform poe submit" in autonomous.run("bash", "-euc", vertex).stderr


def printed(project: Project, command: str) -> str:
    """Return the request that a command prints."""
    text = project.run("bash", "-euc", command).stdout
    return text[text.index("{") :]


def test_job_trains_in_a_clone_and_leaves_its_model_in_the_folder(autonomous, tmp_path):
    job = json.loads(printed(autonomous, "uv run poe submit --backend kubernetes"))["create"]["spec"]["trainer"]
    (command,) = job["args"]
    work, training = tmp_path / "work", tmp_path / "training"
    work.mkdir()
    variables = {each["name"]: each["value"].replace("/training/", f"{training}/") for each in job["env"]}
    variables |= {"HOME": os.environ["HOME"], "REPOSITORY": str(autonomous.path)}
    # In place of DVC's remote, which in this project is a folder inside of it.
    command = command.replace("poe pull", f"poe pull --from {autonomous.path}")
    autonomous.poe("push")
    autonomous.run("sh", "-euc", command.replace("/work", str(work)).replace("/training/", f"{training}/"), **variables)
    (output,) = training.glob("*/output")
    assert {"model.joblib", "inputs.json", "metrics.json"} <= {path.name for path in output.iterdir()}
    assert json.loads((output / "metrics.json").read_text()) == autonomous.json("reports/metrics.json")


def test_endpoints_of_clouds_predict_as_the_server_does(autonomous):
    rows = inside(autonomous, "predictions.py", autonomous.answers["package_name"])["rows"][:5]
    columns = [*rows[0]]
    bodies = [
        {"instances": rows},
        {"dataframe_records": rows},
        {"dataframe_split": {"columns": columns, "data": [[row[name] for name in columns] for row in rows]}},
    ]
    routes = {"AIP_HEALTH_ROUTE": "/healthy", "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict"}
    with serving(autonomous, **routes) as server:
        eventually("a champion", server.ready)
        expected = server.ask("/predict", {"rows": rows}).json["predictions"]
        assert len(expected) == len(rows)
        for path in ("/invocations", routes["AIP_PREDICT_ROUTE"]):
            for body in bodies:
                answer = server.ask(path, body)
                assert (answer.status, answer.json) == (200, {"predictions": expected})
        assert [server.ask(path).status for path in ("/ping", "/healthy")] == [200, 200]
        rejected = server.ask("/invocations", {"rows": rows})
        assert (rejected.status, "send instances" in rejected.text) == (422, True)


def test_skypilot_takes_its_file(render: Callable[..., Project], tmp_path: Path):
    text = render(maturity_level=3).text("sky.yaml")
    (tmp_path / "sky.yaml").write_text(text)
    (tmp_path / "misspelt.yaml").write_text(text.replace("use_spot:", "use_spott:"))
    (tmp_path / "check.py").write_text(SKYPILOT)
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    variables = {"HOME": str(tmp_path), "UV_CACHE_DIR": cache, "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    project = Project(tmp_path, {})
    done = project.run("uv", "run", "--no-project", "--with", "skypilot>=0.14,<0.15", "python", "check.py", **variables)
    good, bad = done.stdout.splitlines()
    assert re.findall(r"(AWS|GCP|Kubernetes)\(\[Spot\]", good) == ["AWS", "GCP", "Kubernetes"]
    assert "did you mean 'use_spot'?" in bad
