"""The admission policy of level 3, by a library for CEL; tests/cluster/test_admission.py has a real API server."""

from typing import Any

import cel
import kubernetes_validate
import pytest
from harness.kube import NEWEST_KUBERNETES, Manifest, manifests, only
from harness.template import Project

DIGEST = f"ghcr.io/team/server@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def policy(render) -> Manifest:
    """Return the policy of the default project."""
    project: Project = render(maturity_level=3)
    return only("ValidatingAdmissionPolicy", manifests(project.path / "deploy/levels/level-3/admission/policy.yaml"))


def refusals(
    policy: Manifest, kind: str, images: list[str], labels: dict[str, str], namespace: str = "customer-churn-x"
) -> list[str]:
    """Return the messages with which the policy refuses an object."""
    first, *others = images
    spec = {"containers": [{"image": first}], "initContainers": [{"image": image} for image in others]}
    pod: dict[str, Any] = {"kind": "Pod", "metadata": {"labels": labels}, "spec": spec}
    context = {"object": wrapped(kind, pod), "request": {"namespace": namespace}, "variables": {}}
    if not all(cel.evaluate(one["expression"], context) for one in policy["spec"]["matchConditions"]):
        return []
    for one in policy["spec"]["variables"]:
        context["variables"][one["name"]] = cel.evaluate(one["expression"], context)
    return [one["message"] for one in policy["spec"]["validations"] if not cel.evaluate(one["expression"], context)]


def wrapped(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a kind whose pods are like one."""
    if kind == "Pod":
        return pod
    spec = {"template": pod}
    return {"kind": kind, "spec": {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec}


LABELS = {"app.kubernetes.io/component": "server"}


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "Rollout", "CronJob"])
@pytest.mark.parametrize(
    ("images", "accepted"),
    [
        ([DIGEST], True),
        (["ghcr.io/team/server:1.0"], False),
        (["ghcr.io/team/server"], False),
        (["ghcr.io/team/server@sha256:0"], False),
        ([DIGEST, "busybox:1"], False),
        ([DIGEST, "ghcr.io/astral-sh/uv:0.13"], True),
        ([DIGEST, "ghcr.io/astral-sh/uvx:0.13"], False),
    ],
)
def test_images_by_digest_and_named_tools_are_accepted(policy, kind, images, accepted):
    assert bool(refusals(policy, kind, images, LABELS)) != accepted


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "Rollout", "CronJob"])
def test_pods_need_the_label_of_their_component(policy, kind):
    (message,) = refusals(policy, kind, [DIGEST], {"app": "server"})
    assert message.startswith("pods must have the label app.kubernetes.io/component")


def test_other_namespaces_are_left_alone(policy):
    assert refusals(policy, "Pod", ["busybox"], {}, namespace="other-production") == []
    assert len(refusals(policy, "Pod", ["busybox"], {})) == 2


def test_policy_and_its_binding_are_what_kubernetes_defines(render):
    found = manifests(render(maturity_level=3).path / "deploy/levels/level-3/admission/policy.yaml")
    for one in found:
        kubernetes_validate.validate(one, NEWEST_KUBERNETES, strict=True)
    assert found[1]["spec"]["policyName"] == found[0]["metadata"]["name"]
