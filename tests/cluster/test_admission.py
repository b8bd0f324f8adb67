"""The admission policy of level 3 in a real API server: what it refuses, and that it accepts what a project deploys."""

from collections.abc import Callable

import pytest
import yaml
from harness.cluster.cluster import Cluster
from harness.kube import Manifest, manifests, only
from harness.template import Project

DIGEST = f"sha256:{'0' * 64}"
COMPONENT = "app.kubernetes.io/component"


@pytest.fixture(scope="module")
def namespace(own_cluster: Cluster, render: Callable[..., Project]) -> str:
    """Return a namespace of the project, after an administrator applied the policy and the API server enforces it."""
    name = own_cluster.namespace("customer-churn-production")
    own_cluster.apply(manifests(render(maturity_level=3).path / "deploy/levels/level-3/admission/policy.yaml"))
    own_cluster.eventually(
        "a refusal", lambda: own_cluster.apply([pod("latest")], name, rc=None).count("denied request")
    )
    return name


def pod(version: str, label: str = COMPONENT) -> Manifest:
    """Return a pod that runs an image by a tag, or by a digest, and has a label."""
    image = f"registry.test/server{'@' if ':' in version else ':'}{version}"
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"containers": [{"name": "server", "image": image, "securityContext": security}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "server", "labels": {label: "server"}},
        "spec": spec,
    }


def test_pod_by_a_tag_is_refused_and_one_by_a_digest_is_accepted(own_cluster, namespace):
    assert "an image must be named by its digest" in own_cluster.apply([pod("v1.0.0")], namespace, rc=1)
    own_cluster.apply([pod(DIGEST)], namespace)


def test_pod_without_the_label_is_refused_and_other_namespaces_are_left_alone(own_cluster, namespace):
    assert f"pods must have the label {COMPONENT}" in own_cluster.apply([pod(DIGEST, label="app")], namespace, rc=1)
    own_cluster.apply([pod("v1.0.0", label="app")], own_cluster.namespace("team-production"))


def test_container_that_is_added_to_a_running_pod_needs_a_digest(own_cluster, namespace):
    own_cluster.apply([pod(DIGEST)], namespace)
    debug = [
        "debug",
        "server",
        f"--namespace={namespace}",
        "--image=busybox:1",
        "--profile=restricted",
        "--attach=false",
    ]
    assert "an image must be named by its digest" in own_cluster.kubectl(*debug, rc=1)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_what_a_project_deploys_is_accepted_by_digest_and_refused_by_tag(own_cluster, namespace, deployed, environment):
    found = deployed(environment, 3)
    name = namespace if environment == "production" else own_cluster.namespace("customer-churn-staging")
    kind = "Rollout" if environment == "production" else "Deployment"
    assert "denied request: an image must be named by its digest" in own_cluster.apply([only(kind, found)], name, rc=1)
    text = yaml.safe_dump_all(found).replace("/customer-churn:main", f"/customer-churn@{DIGEST}")
    printed = own_cluster.apply([*yaml.safe_load_all(text)], name).splitlines()
    assert len(printed) == len(found)
    assert all(line.endswith("serverside-applied") for line in printed)
