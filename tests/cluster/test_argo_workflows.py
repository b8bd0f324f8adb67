"""The stages on a schedule of Argo Workflows, by its real controller, in real pods of a namespace where only restricted ones may run."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.cluster.argo_workflows import start_argo_workflows, write_images
from harness.cluster.argocd import start_git_host
from harness.cluster.binaries import Binaries
from harness.cluster.cluster import Cluster, cluster
from harness.cluster.namespaces import NODE
from harness.cluster.node import node
from harness.cluster.step import FAILS_ONCE
from harness.kube import Manifest
from harness.projects import commands
from harness.template import Project

NAMESPACE = "customer-churn-production"
STATE_SIZE = "1Gi"
# What a team edits: when it runs, and for this test a Git host that is not in the DNS, and less patience.
EDITS = {
    "suspend: true": "suspend: false",
    "17 3 * * *": "* * * * *",
    "duration: 60s": "duration: 1s",
    "    entrypoint:": f"    hostAliases: [{{ ip: {NODE}, hostnames: [github.com] }}]\n    entrypoint:",
}
SUSPEND = ["--type=merge", '--patch={"spec": {"suspend": true}}']
SECRET = {"MLFLOW_TRACKING_URI": "http://mlflow.mlflow.svc", "GIT_SSL_NO_VERIFY": "1"}


@pytest.fixture(scope="module")
def project(render: Callable[..., Project], disk: Path) -> Project:
    """Return a project with the tasks of its own stages in the manifest for Argo, which it has edited."""
    rendered = render(maturity_level=2, orchestrator="kubeflow")
    copied = Project(shutil.copytree(rendered.path, disk / "workflows" / "customer-churn"), rendered.answers)
    copied.run("git", "init", "--quiet")
    copied.run("uv", "sync", "--quiet")
    copied.poe("kubeflow")
    manifest = copied.path / "deploy/argo/pipeline.yaml"
    text = manifest.read_text(encoding="utf-8")
    for old, new in EDITS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    manifest.write_text(text, encoding="utf-8")
    copied.commit("Pipeline")
    return copied


@pytest.fixture(scope="module")
def argo(project: Project, binaries: Binaries, go: str, disk: Path) -> Iterator[Cluster]:
    """Return a cluster with Argo Workflows, in which nothing of the project is deployed yet."""
    images = write_images(go, project.text("deploy/argo/pipeline.yaml"), disk)
    (folder := disk / "argo").mkdir()
    with cluster(binaries, folder) as made, node(made, *images):
        start_argo_workflows(made, go)
        start_git_host(made, project)
        project.run("git", "push", "--quiet", "origin", "HEAD")
        (state := folder / "state").mkdir()
        state.chmod(0o777)
        made.apply([volume(state)])
        made.namespace(NAMESPACE)
        yield made


def volume(folder: Path) -> Manifest:
    """Return the volume that a cluster's own driver would make for a claim."""
    spec = {"capacity": {"storage": STATE_SIZE}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(folder)}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "state"}, "spec": spec}


def kubectl(argo: Cluster, project: Project, command: str, run: str = "", into: Path = Path()) -> str:
    """Run a command as the project's page has it, but for the folders of the project and of the results."""
    words = command.replace("deploy/", f"{project.path}/deploy/").replace("state/RUN states", f"state/{run} {into}")
    return argo.kubectl(*words.split()[1:])


def workflows(argo: Cluster) -> list[Manifest]:
    """Return the runs, the first one first."""
    return sorted(argo.all("workflows", NAMESPACE), key=lambda run: run["metadata"]["creationTimestamp"])


def test_runs_by_its_schedule_and_leaves_results_that_can_be_committed(argo, project, tmp_path):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pipeline"}, "stringData": SECRET}
    argo.apply([secret], NAMESPACE)
    page = commands(project.text("docs/kubeflow.md"))
    (deploy, *fetch) = (line for line in page if line.startswith("kubectl"))
    kubectl(argo, project, deploy)
    argo.eventually("a run", lambda: workflows(argo))
    argo.kubectl("patch", "cronworkflow", "pipeline", f"--namespace={NAMESPACE}", *SUSPEND)
    run = argo.eventually("its end", lambda: [each for each in workflows(argo) if each["status"].get("finishedAt")])[0]
    assert run["status"]["phase"] == "Succeeded", run["status"]
    failed = [each["displayName"] for each in run["status"]["nodes"].values() if each["phase"] == "Failed"]
    assert failed == [f"{FAILS_ONCE}(0)"]

    for command in fetch:
        kubectl(argo, project, command, run["metadata"]["name"], tmp_path)
    facts = [json.loads(path.read_text()) for path in tmp_path.glob("*.tar.gz")]
    assert {each["stage"]: each["given"] for each in facts} == {
        "ingest": [],
        "prepare": ["ingest"],
        "train": ["ingest", "prepare"],
        "register": ["ingest", "prepare", "train"],
    }
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()
    common = {(each["commit"], each["tracking"], each["user"]) for each in facts}
    assert common == {(head, SECRET["MLFLOW_TRACKING_URI"], 10001)}
