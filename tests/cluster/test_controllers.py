"""What Argo CD, the autoscaler and the Deployment's controller make of a project, on a node on which nothing runs."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from harness.cluster.argocd import ArgoCD, start_argocd
from harness.cluster.cluster import Cluster
from harness.cluster.kwok import USED, start_kwok
from harness.cluster.metrics import start_metrics_server
from harness.cluster.rollouts import start_rollouts
from harness.kube import Manifest
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
    cluster.kubectl("annotate", "pods", "--all", "--overwrite", f"{USED}=600m", f"--namespace={STAGING}")
    cluster.eventually("more pods", lambda: replicas(cluster, STAGING)[0] > 2)
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
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "everything"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    },
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


def test_automatic_sync_of_one_application_can_be_switched_off(argocd):
    cluster = argocd.cluster
    argocd.patch("staging", {"syncPolicy": {"automated": None}})
    cluster.kubectl("delete", "service", SERVER, f"--namespace={STAGING}")
    production = set_image(argocd, "production", "b")
    cluster.eventually("a look at Git", lambda: image(cluster, PRODUCTION) == production)
    assert "automated" not in argocd.application("staging")["spec"]["syncPolicy"]
    assert cluster.get("service", SERVER, STAGING) is None
    argocd.patch("staging", {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}})
    cluster.eventually("the service", lambda: cluster.get("service", SERVER, STAGING))


def test_level_2_and_the_way_back_replace_the_pods_without_a_gap(argocd, render):
    cluster = argocd.cluster
    cluster.eventually("two pods", lambda: replicas(cluster, PRODUCTION) == (2, 2))
    fewest = []

    def replaced(kind: str) -> bool:
        fewest.append(ready_pods(cluster, PRODUCTION))
        return cluster.get(kind, SERVER, PRODUCTION) is None

    level_2 = render(maturity_level=2).path
    argocd.project.run("cp", "-r", level_2 / "deploy/levels", argocd.project.path / "deploy")
    argocd.push("Lift")
    cluster.eventually("a Rollout alone", lambda: replaced("deployment"))
    assert min(fewest) >= 2
    rollout = cluster.get("rollout", SERVER, PRODUCTION)
    assert rollout["status"]["phase"] == "Healthy"
    assert rollout["status"]["availableReplicas"] == 10, "it is healthy when the autoscaler has set its pods"
    assert image(cluster, PRODUCTION, "rollout")
    assert cluster.get("deployment", SERVER, STAGING)
    cluster.eventually("no sync", lambda: argocd.deployed("production"))

    argocd.project.run("git", "revert", "--no-edit", "HEAD")
    argocd.project.run("git", "push", "--quiet", "origin", "HEAD")
    cluster.eventually("a Deployment alone", lambda: replaced("rollout"))
    assert min(fewest) >= 2
    assert replicas(cluster, PRODUCTION)[1] >= 2


def ready_pods(cluster: Cluster, namespace: str) -> int:
    """Return how many pods are ready."""
    found = [pod["status"].get("conditions", []) for pod in cluster.all("pods", namespace)]
    return sum({"type": "Ready", "status": "True"}.items() <= each.items() for pod in found for each in pod)


def test_nothing_of_this_machine_is_changed(argocd):
    inside = argocd.cluster.inside.run("ip", "-oneline", "link")
    assert "node" in inside
    own = Path("/proc/self/net/dev").read_text()
    assert "node:" not in own
    assert argocd.cluster.inside.run("ip", "route", "show", "default") == ""
