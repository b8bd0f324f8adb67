"""`poe kserve-canary` steps the traffic as the measurements allow, and the server keeps the contract of KServe's container."""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from harness.kube import built, only
from harness.projects import nobody_listens
from harness.server import Server, background, eventually, listens
from harness.stub import served
from harness.template import Project, clean_environment

# Stands in for kubectl: answers with a file, and appends what is patched to another one.
KUBECTL = """\
#!/bin/sh
echo "$@" >> {folder}/calls
case "$*" in
  *patch*) ;;
  *) cat {folder}/service.json ;;
esac
"""


@pytest.fixture
def kserve(looping: Project, extended: Callable[..., None]) -> Project:
    """Return a project of KServe whose pauses take a second and whose limits are looked at at once."""
    extended(looping, maturity_level=2, serving_platform="kserve")
    for name in ("rollout", "analysis"):
        path = looping.path / f"deploy/levels/level-2/canary/{name}.yaml"
        text = path.read_text().replace("duration: 1h", "duration: 3s").replace("initialDelay: 2m", "initialDelay: 1s")
        path.write_text(text.replace("interval: 1m", "interval: 1s"))
    return looping


@pytest.fixture
def cluster(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that sets the revisions of the service, and returns the variables with which kubectl finds it."""

    def cluster(**predictor: str) -> dict[str, str]:
        service = {"status": {"components": {"predictor": predictor}}}
        (tmp_path / "service.json").write_text(json.dumps(service))
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL.format(folder=tmp_path))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    return cluster


@pytest.fixture
def prometheus() -> Iterator[tuple[str, dict[str, float], list[str]]]:
    """Return the address of a stand-in for Prometheus, the value for queries with a word in them, and the queries."""
    values: dict[str, float] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (query,) = parse_qs(urlsplit(self.path).query)["query"]
            asked.append(query)
            found = next((value for word, value in values.items() if word in query), None)
            result = [] if found is None else [{"metric": {}, "value": [0, str(found)]}]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"result": result}}).encode())

    with served(Handler) as address:
        yield address, values, asked


def percentages(folder: Path) -> list[int]:
    """Return what the percentage was set to, one after another."""
    patches = [line for line in (folder / "calls").read_text().splitlines() if " patch " in line]
    (folder / "calls").unlink()
    found = [json.loads(line.partition("--patch=")[2]) for line in patches]
    return [one["spec"]["predictor"]["canaryTrafficPercent"] for one in found]


def test_traffic_follows_the_measurements(kserve: Project, cluster, prometheus, tmp_path: Path):
    address, values, asked = prometheus
    revisions = {"latestCreatedRevision": "two", "latestReadyRevision": "two", "latestRolledoutRevision": "one"}
    where: Any = cluster(**revisions)

    # Without data nothing fails.
    printed = kserve.process("kserve-canary", "--prometheus", address, **where).stdout
    assert "two has all requests, in place of one" in printed
    assert percentages(tmp_path) == [10, 25, 50, 100]
    assert any('rollouts_pod_template_hash="two"' in query and "[900000ms]" in query for query in asked)
    assert all('namespace=~"customer-churn-production"' in query for query in asked)

    # The third answer that is too slow ends the release.
    values["histogram_quantile"] = 0.9
    refused = kserve.process("kserve-canary", "--prometheus", address, rc=1, **where).stderr
    assert "two is aborted, one has all requests; revert the release in Git: latency: 0.9, the limit is 0.5" in refused
    assert percentages(tmp_path)[-1] == 0
    values["histogram_quantile"] = float("nan")
    values["prediction_value_sum"] = 0.1
    assert kserve.process("kserve-canary", "--prometheus", address, **where).returncode == 0
    assert percentages(tmp_path)[-1] == 100

    # A Prometheus that is down fails a release; a service without a new revision has nothing to release.
    refused = kserve.process("kserve-canary", "--prometheus", nobody_listens(), rc=1, **where).stderr
    assert "Connection refused" in refused
    assert percentages(tmp_path)[-1] == 0
    cluster(**{**revisions, "latestRolledoutRevision": "two"})
    assert "nothing to release" in kserve.process("kserve-canary", "--prometheus", address, **where).stdout
    assert percentages(tmp_path) == []


def test_server_keeps_the_contract_of_the_container(kserve: Project, tool: Callable[[str], str], tmp_path: Path):
    (container,) = only("InferenceService", built(kserve, "deploy/overlays/production", tool))["spec"]["predictor"][
        "containers"
    ]
    address = nobody_listens()
    variables = {one["name"]: one["value"] for one in container["env"]}  # Knative adds PORT
    (last,) = (line for line in kserve.text("Dockerfile").splitlines() if line.startswith("CMD"))
    command = yaml.safe_load(last.removeprefix("CMD "))
    (script,) = re.findall(r"printf '(.*)' > /usr/local/bin/serve", kserve.text("Dockerfile"))
    assert "--port" not in script
    program = tmp_path / "serve"
    program.write_text(script.replace(r"\n", "\n"))
    program.chmod(0o755)
    programs = f"{tmp_path}{os.pathsep}{kserve.path}/.venv/bin{os.pathsep}{os.environ['PATH']}"
    environment = {**clean_environment(), **variables, "PATH": programs, "PORT": address.rpartition(":")[2]}
    with background(command, kserve.path / "serve.log", cwd=kserve.path, env=environment) as process:
        server = Server(kserve, process, address)
        eventually("the server", lambda: listens(server))
        for probe in ("livenessProbe", "readinessProbe"):
            path = container[probe]["httpGet"]["path"]
            eventually(path, lambda path=path: server.ask(path).status == 200)
        metadata = server.ask("/v2/models/customer-churn").json
        assert metadata["name"] == "customer-churn"
        assert server.ask("/v2/models/customer-churn/ready").status == 200
        assert 'model_ready{model="customer-churn"} 1.0' in server.ask("/metrics").text
        replayed = kserve.process("replay", "--server", address, "--host", "model.example.com")
        assert "rows are predicted" in replayed.stdout
