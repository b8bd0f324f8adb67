"""A search as a job of KubeRay, by its real operator, where only restricted pods may run; the pods get no node."""

import copy
from collections import Counter
from collections.abc import Callable

import pytest
import yaml
from harness.cluster.binaries import KUBERAY, install, sources_of
from harness.cluster.cluster import Cluster
from harness.kube import Manifest
from harness.template import Project


@pytest.fixture(scope="module")
def ray(own_cluster: Cluster, go: str) -> Cluster:
    """Return a cluster with the definitions of KubeRay, whose operator runs outside of its nodes."""
    own_cluster.create_definitions((sources_of(go, KUBERAY) / "config/crd/bases").iterdir())
    flags = ["--enable-leader-election=false", "--metrics-addr=:8195", "--health-probe-bind-address=:8196"]
    own_cluster.start_command("ray-operator", [install(go, KUBERAY), *flags])
    return own_cluster


@pytest.fixture
def job(render: Callable[..., Project]) -> Manifest:
    """Return the job of a project."""
    return yaml.safe_load(render(maturity_level=2, distributed_training="ray").text("deploy/ray/search.yaml"))


def create(ray: Cluster, job: Manifest, namespace: str) -> None:
    """Create a job in a namespace of its own."""
    ray.namespace(namespace)
    ray.apply([job | {"metadata": {"name": "search", "namespace": namespace}}], namespace)


def test_search_gets_a_head_and_its_workers(ray, job):
    create(ray, job, "restricted")

    def kinds() -> Counter[str]:
        pods = ray.all("pods", "restricted", "ray.io/node-type")
        return Counter(pod["metadata"]["labels"]["ray.io/node-type"] for pod in pods)

    ray.eventually("a head and four workers", lambda: kinds() == {"head": 1, "worker": 4})


def test_search_whose_pods_may_become_root_gets_none(ray, job):
    spoilt = copy.deepcopy(job)
    head = spoilt["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
    del head["spec"]["securityContext"]["runAsNonRoot"]
    create(ray, spoilt, "spoilt")

    def refused() -> bool:
        return any("runAsNonRoot" in event["message"] for event in ray.all("events", "spoilt"))

    ray.eventually("a refusal", refused)
