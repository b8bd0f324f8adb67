"""What Argo CD, the autoscaler and the Deployment's controller make of a project, on a node on which nothing runs."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import environments
from harness.act import DIGEST, play, without_tasks
from harness.cluster.argocd import ArgoCD, start_argocd
from harness.cluster.canary import LABEL, Driver, Release, scale_time, start_api_proxy
from harness.cluster.cluster import Cluster
from harness.cluster.envoy import start_envoy
from harness.cluster.kwok import USED, start_kwok
from harness.cluster.metrics import start_metrics_server
from harness.cluster.prometheus import start_prometheus
from harness.cluster.rollouts import start_rollouts
from harness.cluster.versions import Clients, Fault, Server
from harness.kube import ADMIN_OF_ALL, Manifest
from harness.shared import Shared
from harness.template import Project

ENVIRONMENTS = ["staging", "production"]
STAGING, PRODUCTION = NAMESPACES = ["customer-churn-staging", "customer-churn-production"]
SERVER = "model-server"


@pytest.fixture(scope="module")
def argocd(own_cluster: Cluster, render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> ArgoCD:
    """Return Argo CD after it has deployed both environments of the default project."""
    rendered = render(maturity_level=1)
    folder = tmp_path_factory.mktemp("deployed") / "customer-churn"
    rendered.run("cp", "-r", rendered.path, folder)
    start_kwok(own_cluster)
    start_metrics_server(own_cluster)
    start_rollouts(own_cluster)
    started = start_argocd(own_cluster, Project(folder, rendered.answers))
    for environment in ENVIRONMENTS:
        own_cluster.eventually(environment, lambda: started.deployed(environment))  # noqa: B023
    return started


def image(cluster: Cluster, namespace: str, kind: str = "deployment") -> str:
    """Return the image that an environment's pods have."""
    (container,) = (cluster.get(kind, SERVER, namespace) or {})["spec"]["template"]["spec"]["containers"]
    return container["image"]


def replicas(cluster: Cluster, namespace: str) -> tuple[int, int]:
    """Return how many pods are wanted, and how many are available."""
    found = cluster.get("deployment", SERVER, namespace) or {}
    return found["spec"]["replicas"], found["status"].get("availableReplicas", 0)


def set_image(argocd: ArgoCD, environment: str, digest: str) -> str:
    """Bring an image to an environment as CD does, push that, and return the name with the digest."""
    path = argocd.project.path / "deploy" / "overlays" / environment / "image" / "kustomization.yaml"
    (found,) = yaml.safe_load(path.read_text())["images"]
    name = f"{found['newName']}@sha256:{digest * 64}"
    argocd.project.run(sys.executable, "tools/image.py", environment, name)
    argocd.push(f"Bring a new image to {environment}")
    return name


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_each_environment_is_deployed_to_a_namespace_that_admits_restricted_pods_only(argocd, namespace):
    (labels,) = (
        each["metadata"]["labels"]
        for each in argocd.cluster.all("namespace", "")
        if each["metadata"]["name"] == namespace
    )
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert argocd.cluster.get("deployment", SERVER, namespace)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_autoscaler_sets_the_replicas_and_all_become_available(argocd, namespace):
    argocd.cluster.eventually("two pods", lambda: replicas(argocd.cluster, namespace) == (2, 2))
    budget = argocd.cluster.eventually("a budget", lambda: argocd.cluster.get("pdb", SERVER, namespace))
    argocd.cluster.eventually(
        "one pod may go", lambda: argocd.cluster.get("pdb", SERVER, namespace)["status"].get("disruptionsAllowed") == 1
    )
    assert budget["spec"]["selector"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_applications_are_healthy(argocd, environment):
    argocd.cluster.eventually(
        "health", lambda: argocd.application(environment)["status"]["health"]["status"] == "Healthy"
    )


def test_deleted_service_comes_back(argocd):
    argocd.cluster.kubectl("delete", "service", SERVER, f"--namespace={STAGING}")
    argocd.cluster.eventually("the service", lambda: argocd.cluster.get("service", SERVER, STAGING))


def test_foreign_image_is_replaced(argocd):
    before = image(argocd.cluster, STAGING)
    argocd.cluster.kubectl("set", "image", f"deployment/{SERVER}", "server=foreign:1", f"--namespace={STAGING}")
    argocd.cluster.eventually("the image of Git", lambda: image(argocd.cluster, STAGING) == before)


def test_replicas_that_the_autoscaler_sets_under_load_stay(argocd):
    cluster = argocd.cluster

    def busy() -> bool:
        """Give all pods work, with those that a rollout of the test before has only now made."""
        annotation = ("annotate", "pods", "--all", "--overwrite", f"{USED}=600m")
        cluster.kubectl(*annotation, f"--namespace={STAGING}", rc=None)  # one of them may be gone by now
        return replicas(cluster, STAGING)[0] > 2

    cluster.eventually("more pods", busy)
    wanted = replicas(cluster, STAGING)[0]
    argocd.project.run("git", "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    argocd.project.run("git", "push", "--quiet", "origin", "HEAD")
    cluster.eventually("a look at Git", lambda: argocd.deployed("staging"))
    assert replicas(cluster, STAGING)[0] >= wanted
    cluster.kubectl("annotate", "pods", "--all", f"{USED}-", f"--namespace={STAGING}")


def test_commit_rolls_one_environment_and_its_revert_rolls_it_back(argocd):
    cluster = argocd.cluster
    before, staging = image(cluster, PRODUCTION), image(cluster, STAGING)
    new = set_image(argocd, "production", "a")
    cluster.eventually("the new image", lambda: image(cluster, PRODUCTION) == new)
    cluster.eventually("new pods", lambda: replicas(cluster, PRODUCTION) == (2, 2))
    cluster.eventually("a look at Git", lambda: argocd.deployed("staging"))
    assert image(cluster, STAGING) == staging
    (revert,) = re.findall(r"^git revert .*$", argocd.project.text("docs/runbooks/roll-back.md"), re.MULTILINE)
    argocd.project.run("bash", "-c", revert)
    argocd.project.run("git", "push", "--quiet", "origin", "HEAD")
    cluster.eventually("the image before", lambda: image(cluster, PRODUCTION) == before)


def test_new_overlay_becomes_an_environment_and_goes_with_its_folder(argocd):
    overlays = argocd.project.path / "deploy" / "overlays"
    argocd.project.run("cp", "-r", overlays / "staging", overlays / "trial")
    argocd.push("Add an environment")
    argocd.cluster.eventually("a third environment", lambda: argocd.deployed("trial"))
    argocd.project.run("rm", "-r", overlays / "trial")
    argocd.push("Remove it")
    argocd.cluster.eventually("two environments", lambda: not argocd.application("trial"))


FORBIDDEN: list[Manifest] = [
    ADMIN_OF_ALL,
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "elsewhere", "namespace": "kube-system"},
    },
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}},
]


def test_what_is_beyond_the_project_is_refused_by_name_until_a_commit_removes_it(argocd):
    overlay = argocd.project.path / "deploy" / "overlays" / "staging"
    (overlay / "forbidden.yaml").write_text(yaml.safe_dump_all(FORBIDDEN))
    kustomization = overlay / "kustomization.yaml"
    kustomization.write_text(
        kustomization.read_text().replace("  - ../../base\n", "  - ../../base\n  - forbidden.yaml\n")
    )
    argocd.push("Request too much")
    wanted = {(each["kind"], each["metadata"]["name"]) for each in FORBIDDEN}

    def refused() -> bool:
        result = argocd.application("staging")["status"].get("operationState", {}).get("syncResult", {})
        found = [each for each in result.get("resources", []) if "not permitted in project" in each.get("message", "")]
        return {(each["kind"], each["name"]) for each in found} == wanted

    argocd.cluster.eventually("refusals", refused)
    for each in FORBIDDEN:
        metadata = each["metadata"]
        assert argocd.cluster.get(each["kind"], metadata["name"], metadata.get("namespace", "default")) is None
    argocd.project.run("git", "revert", "--no-edit", "HEAD")
    argocd.project.run("git", "push", "--quiet", "origin", "HEAD")
    argocd.cluster.eventually("staging", lambda: argocd.deployed("staging"))


def test_application_from_another_repository_is_refused(argocd):
    application = argocd.application("staging")
    foreign = {
        "apiVersion": application["apiVersion"],
        "kind": "Application",
        "metadata": {"name": "foreign", "namespace": "argocd"},
        "spec": json.loads(
            json.dumps(application["spec"]).replace(argocd.project.answers["repository_url"], "https://github.com/x/y")
        ),
    }
    argocd.cluster.apply([foreign], "argocd")

    def conditions() -> str:
        found = argocd.cluster.get("application", "foreign", "argocd") or {}
        return json.dumps(found.get("status", {}).get("conditions", []))

    argocd.cluster.eventually("a refusal", lambda: "is not permitted in project" in conditions())
    argocd.cluster.kubectl("delete", "application", "foreign", "--namespace=argocd")


def test_commands_of_the_runbook_roll_one_application_back_and_nothing_changes_it_until_they_end_that(argocd):
    cluster = argocd.cluster
    before, policy = image(cluster, PRODUCTION), argocd.application("production")["spec"]["syncPolicy"]["automated"]
    bad = set_image(argocd, "production", "b")
    cluster.eventually("the bad image", lambda: image(cluster, PRODUCTION) == bad and argocd.deployed("production"))
    commands = re.findall(r"^argocd app .*$", argocd.project.text("docs/runbooks/roll-back.md"), re.MULTILINE)
    (switch_off, history, rollback, wait, switch_on) = commands
    argocd.command(switch_off)
    (*_, id_before, _) = re.findall(r"^(\d+) ", argocd.command(history), re.MULTILINE)
    argocd.command(rollback.replace(" ID", f" {id_before}"))
    argocd.command(wait)
    assert image(cluster, PRODUCTION) == before
    cluster.kubectl("delete", "service", SERVER, f"--namespace={PRODUCTION}")
    staging = set_image(argocd, "staging", "c")
    cluster.eventually("a look at Git", lambda: image(cluster, STAGING) == staging)
    assert "automated" not in argocd.application("production")["spec"]["syncPolicy"]
    assert cluster.get("service", SERVER, PRODUCTION) is None
    assert image(cluster, PRODUCTION) == before
    argocd.command(switch_on)
    assert argocd.application("production")["spec"]["syncPolicy"]["automated"] == policy
    cluster.eventually("the service", lambda: cluster.get("service", SERVER, PRODUCTION))
    cluster.eventually("what Git has", lambda: image(cluster, PRODUCTION) == bad)


def test_level_2_replaces_the_deployment_without_a_gap(argocd, render, disk):
    cluster = argocd.cluster
    cluster.eventually("two pods", lambda: replicas(cluster, PRODUCTION) == (2, 2))
    level_2, overlays = render(maturity_level=2), argocd.project.path / "deploy/overlays"
    argocd.project.run("cp", "-r", overlays, disk / "overlays")  # a lift keeps what they are now
    argocd.project.run("cp", "-r", f"{level_2.path}/.", argocd.project.path)
    argocd.project.run("cp", "-r", f"{disk}/overlays/.", overlays)
    environments.install(argocd.project, Shared(disk / "shared"))
    argocd.project.run("git", "push", "--quiet", "origin", "HEAD")
    assert fewest_until_gone(cluster, "deployment") >= 2
    rollout = cluster.get("rollout", SERVER, PRODUCTION)
    assert rollout["status"]["phase"] == "Healthy"
    assert rollout["status"]["availableReplicas"] == 10, "it is healthy when the autoscaler has set its pods"
    assert image(cluster, PRODUCTION, "rollout").endswith("b" * 64)
    assert cluster.get("deployment", SERVER, STAGING)
    cluster.eventually("no sync", lambda: argocd.deployed("production"))


def fewest_until_gone(cluster: Cluster, kind: str) -> int:
    """Wait until production has no pod of a Deployment or Rollout, and return how many pods were ready at the least."""
    fewest = []

    def gone() -> bool:
        pods = cluster.all("pods", PRODUCTION)
        fewest.append(ready_pods(pods))
        old = [pod for pod in pods if (LABEL in pod["metadata"]["labels"]) == (kind == "rollout")]
        return not old and cluster.get(kind, SERVER, PRODUCTION) is None

    cluster.eventually(f"no {kind}", gone)
    return min(fewest)


SERVERS = ["first", "good", "bad"]  # a version of image and model each
REGISTERED = """
from mlflow import MlflowClient
from customer_churn.registry.client import connected

with connected():
    client = MlflowClient()
    client.create_registered_model("customer-churn")
    for _ in range(3):
        client.create_model_version("customer-churn", "unused", tags={"validation_status": "passed", "author": "Ada"})
"""


@pytest.fixture
def released(argocd: ArgoCD, tool: Callable[[str], str]) -> Iterator[Release]:
    """Return production of level 2, with hours as seconds, clients that go on, and a server of each version."""
    cluster = argocd.cluster
    scale_time(argocd.project)
    argocd.push("Release faster")
    argocd.project.python(REGISTERED)
    start_api_proxy(cluster)
    servers = {name: Server("production", name, Fault(errors=0.2 if name == "bad" else 0)) for name in SERVERS}
    for server in servers.values():
        server.start(cluster.inside)
    targets = start_prometheus(cluster, tool("prometheus"))
    envoy = start_envoy(cluster, {"production": {name: server.port for name, server in servers.items()}})
    release = Release("production", PRODUCTION, servers, Clients(cluster.inside, "production", 40))
    driver = Driver(cluster, envoy, targets, [release])
    with driver.driving(), release.clients.asking():
        cluster.eventually("the first version", lambda: argocd.deployed("production") and release.done == "first")
        yield release
    assert driver.error is None


def test_merged_change_and_promotion_reach_all_requests_and_a_bad_one_comes_back(argocd, released, tmp_path):
    cluster, clients = argocd.cluster, released.clients
    # A merged pull request: CD builds an image and proposes it for staging, then by hand for production.
    deliver(argocd, tmp_path / "staging", "push", ref="refs/heads/main")
    deliver(argocd, tmp_path / "production", "workflow_dispatch")
    assert "serves release-2" in promote(argocd.project, "2")
    argocd.push("Merge: bring image and champion to production")
    cluster.eventually("all requests at the new version", lambda: released.done == "good")
    assert image(cluster, PRODUCTION, "rollout").endswith(DIGEST)
    assert served_alias(cluster) == "release-2"
    assert [share for share in released.reached["good"] if share in {10, 50, 100}] == [10, 50, 100]
    cluster.eventually("health", lambda: health(argocd) == "Healthy")
    assert clients.failed() == 0

    assert "serves release-3" in promote(argocd.project, "3")
    argocd.push("Merge: bring the champion to production")
    cluster.eventually("the return of the bad version", lambda: "bad" in released.reached and released.done == "good")
    assert 'Metric "errors" assessed Failed' in released.status["message"]
    assert max(released.reached["bad"]) <= 30
    cluster.eventually("a degraded application", lambda: health(argocd) == "Degraded")
    failed = clients.failed()
    assert failed

    assert "is the champion again" in argocd.project.poe("rollback").stdout
    argocd.push("Roll back")
    cluster.eventually("health", lambda: argocd.deployed("production") and health(argocd) == "Healthy")
    assert served_alias(cluster) == "release-2"
    assert released.done == "good"
    assert clients.failed() == failed, "only requests that the bad version got"
    assert clients.lost == []
    assert released.fewest >= 10


def deliver(argocd: ArgoCD, folder: Path, event: str, **payload: Any) -> None:
    """Play CD with its own jobs and tool, in a clone, and merge what it proposes."""
    clone = Project(folder.with_name(f"{folder.name}-clone"), argocd.project.answers)
    argocd.project.run("git", "clone", "--quiet", argocd.project.path, clone.path)
    without_tasks(clone, "ci.yml")
    cd = clone.path / ".github/workflows/cd.yml"
    tool = f"{sys.executable} tools/image.py"  # no environment is needed for it
    cd.write_text(cd.read_text().replace("uv run --locked poe image", tool).replace("uv sync --locked", "'true'"))
    clone.commit("Check nothing")
    played = play(clone, folder, "cd.yml", event, **payload)
    assert {*played.jobs.values()} == {"success"}, played.printed
    argocd.project.run("git", "apply", folder / "proposed.diff")
    argocd.project.commit(f"Merge: bring an image to {folder.name}")


def promote(project: Project, version: str) -> str:
    """Promote a version, and return what that prints."""
    return project.poe("promote", "--version", version, "--approved-by", "Grace", GOVERNANCE_COMMITTED="false").stdout


def health(argocd: ArgoCD) -> str:
    """Return the health of production."""
    return argocd.application("production")["status"]["health"]["status"]


def served_alias(cluster: Cluster) -> str:
    """Return the alias that the pods of production serve by default."""
    rollout = cluster.get("rollout", SERVER, PRODUCTION) or {}
    (server,) = rollout["spec"]["template"]["spec"]["containers"]
    name = server["envFrom"][0]["configMapRef"]["name"]
    return (cluster.get("configmap", name, PRODUCTION) or {})["data"]["SERVING_ALIASES"]


def test_the_way_back_to_level_1_leaves_no_gap_either(argocd, render):
    levels = argocd.project.path / "deploy/levels"
    argocd.project.run("rm", "-r", levels)
    argocd.project.run("cp", "-r", render(maturity_level=1).path / "deploy/levels", levels)
    argocd.push("Lower")
    assert fewest_until_gone(argocd.cluster, "rollout") >= 2
    assert replicas(argocd.cluster, PRODUCTION)[1] >= 2


def ready_pods(pods: list[Manifest]) -> int:
    """Return how many pods are ready, of those that are not being deleted."""
    found = [pod["status"].get("conditions", []) for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return sum({"type": "Ready", "status": "True"}.items() <= each.items() for pod in found for each in pod)


def test_nothing_of_this_machine_is_changed(argocd):
    inside = argocd.cluster.inside.run("ip", "-oneline", "link")
    assert "node" in inside
    own = Path("/proc/self/net/dev").read_text()
    assert "node:" not in own
    assert argocd.cluster.inside.run("ip", "route", "show", "default") == ""
