"""What clones the project in a cluster: stages by the real Argo Workflows, retraining, remediation.

They run in real pods of a namespace where only restricted ones may run, with a stand-in for uv that tells what it was given.
"""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.cluster.argo_workflows import start_argo_workflows, write_images
from harness.cluster.argocd import start_git_host
from harness.cluster.binaries import Binaries
from harness.cluster.cluster import Cluster, cluster
from harness.cluster.namespaces import NODE
from harness.cluster.node import node
from harness.cluster.step import FAILS_ONCE, PORT
from harness.kube import Manifest
from harness.projects import commands
from harness.template import Project

NAMESPACE = "customer-churn-production"
USER = 10001
STATE_SIZE = "1Gi"
ALIASES = f"hostAliases: [{{ ip: {NODE}, hostnames: [github.com] }}]\n"
# What a team edits, for less patience, and to find a Git host that is not in the DNS.
EDITS = {
    "deploy/argo/pipeline.yaml": {
        "suspend: true": "suspend: false",
        "17 3 * * *": "* * * * *",
        "duration: 60s": "duration: 1s",
        "    entrypoint:": f"    {ALIASES}    entrypoint:",
    },
    "deploy/levels/level-2/retrain.yaml": {
        "          restartPolicy:": f"          {ALIASES}          restartPolicy:",
    },
    "deploy/levels/level-3/remediation/deployment.yaml": {
        "replicas: 0": "replicas: 1",
        "      serviceAccountName:": f"      {ALIASES}      serviceAccountName:",
    },
}
SUSPEND = ["--type=merge", '--patch={"spec": {"suspend": true}}']
SECRET = {"AUDIT_DATABASE_URL": "postgresql+psycopg://USER:<PASSWORD>@HOST/audit", "GIT_SSL_NO_VERIFY": "1"}
REMEDIATION = {"REMEDIATION_TOKEN": "t0ken", "REMEDIATION_STATE": "postgresql+psycopg://remediation@db/remediation"}


@pytest.fixture(scope="module")
def project(render: Callable[..., Project], disk: Path) -> Project:
    """Return a project with the tasks of its own stages in the manifest for Argo, which has edited its manifests."""
    rendered = render(maturity_level=3, orchestrator="kubeflow")
    copied = Project(shutil.copytree(rendered.path, disk / "jobs" / "customer-churn"), rendered.answers)
    copied.run("git", "init", "--quiet")
    copied.run("uv", "sync", "--quiet")
    copied.poe("kubeflow")
    for path, edits in EDITS.items():
        text = copied.text(path)
        for old, new in edits.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (copied.path / path).write_text(text, encoding="utf-8")
    copied.commit("Pipeline")
    return copied


@pytest.fixture(scope="module")
def head(project: Project) -> str:
    """Return the commit that is pushed."""
    return project.run("git", "rev-parse", "HEAD").stdout.strip()


@pytest.fixture(scope="module")
def production(
    project: Project, binaries: Binaries, go: str, disk: Path, node_programs: None, tool: Callable[[str], str]
) -> Iterator[Cluster]:
    """Return a cluster with Argo Workflows and the project's Git host, in which production is deployed, and no pods of servers."""
    tool("mmdebstrap")
    images = write_images(go, project.text("deploy/argo/pipeline.yaml"), disk)
    (folder := disk / "jobs-cluster").mkdir()
    with cluster(binaries, folder) as made, node(made, *images):
        made.define("prometheus-operator", "argo-rollouts")
        start_argo_workflows(made, go)
        start_git_host(made, project)
        project.run("git", "push", "--quiet", "origin", "HEAD")
        (state := folder / "state").mkdir()
        state.chmod(0o777)
        made.apply([volume(state)])
        made.namespace(NAMESPACE)
        address = project.answers["repository_url"].replace("https://", "https://token@")
        made.apply([secret("retrain"), secret("remediation", REPOSITORY=address, **REMEDIATION)], NAMESPACE)
        made.apply(binaries.kustomize(project.path / "deploy/overlays/production"), NAMESPACE)
        yield made


def volume(folder: Path) -> Manifest:
    """Return the volume that a cluster's own driver would make for a claim."""
    spec = {"capacity": {"storage": STATE_SIZE}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(folder)}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "state"}, "spec": spec}


def secret(name: str, **values: str) -> Manifest:
    """Return the Secret that a page asks for."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": SECRET | values}


def kubectl(production: Cluster, project: Project, command: str, run: str = "", into: Path = Path()) -> str:
    """Run a command as the project's page has it, but for the folders of the project and of the results."""
    words = command.replace("deploy/", f"{project.path}/deploy/").replace("state/RUN states", f"state/{run} {into}")
    return production.kubectl(*shlex.split(words)[1:])


def ended(production: Cluster) -> Manifest | None:
    """Return the first run of the pipeline if it has ended."""
    runs = sorted(production.all("workflows", NAMESPACE), key=lambda run: run["metadata"]["creationTimestamp"])
    return next((run for run in runs[:1] if run.get("status", {}).get("finishedAt")), None)


def assert_given(facts: dict[str, Any], head: str, **variables: str) -> None:
    """Check the commit, the user and the variables of a task."""
    assert (facts["commit"], facts["user"]) == (head, USER)
    assert variables.items() <= facts["variables"].items()


def test_pipeline_runs_by_its_schedule_and_leaves_results_that_can_be_committed(production, project, head, tmp_path):
    page = commands(re.sub(r" \\\n +", " ", project.text("docs/kubeflow.md")))
    (keys, deploy, *fetch) = (line for line in page if line.startswith("kubectl"))
    kubectl(production, project, f"{keys} --from-literal=GIT_SSL_NO_VERIFY=1")
    kubectl(production, project, deploy)
    production.eventually("a run", lambda: production.all("workflows", NAMESPACE))
    production.kubectl("patch", "cronworkflow", "pipeline", f"--namespace={NAMESPACE}", *SUSPEND)
    run = production.eventually("its end", lambda: ended(production))
    assert run["status"]["phase"] == "Succeeded", run["status"]
    failed = [each["displayName"] for each in run["status"]["nodes"].values() if each["phase"] == "Failed"]
    assert failed == [f"{FAILS_ONCE}(0)"]

    for command in fetch:
        kubectl(production, project, command, run["metadata"]["name"], tmp_path)
    found = [json.loads(path.read_text()) for path in tmp_path.glob("*.tar.gz")]
    assert {each["stage"]: each["given"] for each in found} == {
        "ingest": [],
        "prepare": ["ingest"],
        "train": ["ingest", "prepare"],
        "register": ["ingest", "prepare", "train"],
    }
    for each in found:
        assert_given(each, head, MLFLOW_TRACKING_URI="http://mlflow.mlflow.svc:5000", **SECRET)


def test_retraining_runs_in_its_pod(production, head):
    namespace = f"--namespace={NAMESPACE}"
    production.kubectl("create", "job", "retrain-now", "--from=cronjob/retrain", namespace)
    production.kubectl("wait", "--for=condition=Complete", "job/retrain-now", namespace, "--timeout=300s")
    facts = json.loads(production.kubectl("logs", "job/retrain-now", namespace).splitlines()[-1])
    assert facts["task"] == "ci-retrain"
    assert_given(facts, head, MLFLOW_TRACKING_URI="http://mlflow.mlflow.svc:5000", **SECRET)


def test_remediation_gets_ready_with_its_token(production, head):
    production.kubectl("rollout", "status", "deployment/remediation", f"--namespace={NAMESPACE}", "--timeout=300s")
    (pod,) = production.all("pods", NAMESPACE, "app.kubernetes.io/component=remediation")
    facts = production.inside.ask(pod["status"]["podIP"], PORT, "/").json
    assert facts["token"] == REMEDIATION["REMEDIATION_TOKEN"]
    assert_given(facts, head, **SECRET, **REMEDIATION)
