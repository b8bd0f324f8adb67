"""What a real API server accepts of a project, and what it refuses."""

import copy
import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from harness.cluster.cluster import Cluster
from harness.kube import Manifest, manifests, only

ENVIRONMENTS = ["staging", "production"]
# What any client may do without a permission of its own: ask what it may do, and which resources there are.
REVIEWS = {"selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews", "clustertrustbundles"}
REACH = [("get", "secrets"), ("list", "pods"), ("create", "pods"), ("patch", "deployments"), ("get", "configmaps")]


@pytest.fixture(scope="module")
def namespace(own_cluster: Cluster) -> str:
    """Return a namespace as Argo CD makes it."""
    return own_cluster.namespace("customer-churn-production")


@pytest.fixture(scope="module")
def applied(own_cluster: Cluster, namespace: str, deployed: Callable[[str], list[Manifest]]) -> list[Manifest]:
    """Return what is in production, after it was applied."""
    own_cluster.apply(deployed("production"), namespace)
    return deployed("production")


def pod(of: list[Manifest], name: str, **changes: Any) -> Manifest:
    """Return a pod as the Deployment makes it, with changes of its one container."""
    template = copy.deepcopy(only("Deployment", of)["spec"]["template"])
    template["spec"]["containers"][0] |= changes
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": name, **template["metadata"]}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_object_of_an_environment_is_accepted(own_cluster, deployed, level, environment):
    name = own_cluster.namespace(f"accepted-{level}-{environment}")
    printed = own_cluster.apply(deployed(environment, level), name).splitlines()
    assert len(printed) == len(deployed(environment, level))
    assert all(line.endswith("serverside-applied") for line in printed)


def test_typing_error_in_a_canary_is_refused(own_cluster, namespace, deployed):
    rollout = copy.deepcopy(only("Rollout", deployed("production", 2)))
    rollout["spec"]["strategy"]["canary"]["steps"][0] = {"setWeigth": 10}
    assert "setWeigth: field not declared in schema" in own_cluster.apply([rollout], namespace, rc=1)


def test_project_and_applications_of_argo_cd_are_accepted(own_cluster, render):
    own_cluster.namespace("argocd")
    folder = render(maturity_level=1).path / "deploy" / "argocd"
    found = [manifest for path in folder.iterdir() for manifest in manifests(path)]
    printed = own_cluster.apply(found, "argocd")
    assert "appproject.argoproj.io/customer-churn serverside-applied" in printed
    assert "applicationset.argoproj.io/customer-churn serverside-applied" in printed


def test_argo_cd_older_than_the_runbook_requires_is_refused_by_its_own_command(own_cluster, render):
    """In Argo CD 3.2 the project could create any namespace: its definition lacks the field that limits their names."""
    project = render(maturity_level=1)
    assert "Argo CD 3.3 or newer" in project.text("docs/runbooks/deploy.md")
    definition = own_cluster.get("crd", "appprojects.argoproj.io", "default")
    older = copy.deepcopy(definition)
    (version,) = older["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    del fields["clusterResourceWhitelist"]["items"]["properties"]["name"]
    own_cluster.kubectl("replace", "--filename=-", text=json.dumps(older))
    (command,) = re.findall(r"^ +kubectl (apply .*)$", project.text("docs/runbooks/deploy.md"), re.MULTILINE)
    apply = shlex.split(command.replace("deploy/argocd", f"{project.path}/deploy/argocd"))
    rejected = 'unknown field "spec.clusterResourceWhitelist[0].name"'
    own_cluster.eventually("a refusal", lambda: rejected in own_cluster.kubectl(*apply, rc=None))
    own_cluster.define("argo-cd")
    own_cluster.eventually("a newer one", lambda: rejected not in own_cluster.kubectl(*apply, rc=None))


def test_unknown_field_is_refused(own_cluster, namespace, deployed):
    service = copy.deepcopy(only("Service", deployed("production")))
    service["spec"]["portz"] = []
    assert "portz: field not declared in schema" in own_cluster.apply([service], namespace, rc=1)


def test_pod_of_the_server_is_admitted_where_only_restricted_pods_are(own_cluster, namespace, applied):
    own_cluster.apply([pod(applied, "admitted")], namespace)
    (found,) = own_cluster.get("pod", "admitted", namespace)["spec"]["volumes"]
    assert found["name"] == "tmp", "the API's token is in the pod"


@pytest.mark.parametrize(
    "context",
    [
        {"privileged": True},
        {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 0},
        {"allowPrivilegeEscalation": False},
        {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
    ],
    ids=["privileged", "root", "all capabilities", "capability"],
)
def test_pod_with_more_rights_is_refused(own_cluster, namespace, applied, context):
    printed = own_cluster.apply([pod(applied, "refused", securityContext=context)], namespace, rc=1)
    assert 'violates PodSecurity "restricted:latest"' in printed


def test_service_account_of_the_server_reaches_nothing(own_cluster, namespace, applied):
    account = only("ServiceAccount", applied)["metadata"]["name"]
    user = [f"--as=system:serviceaccount:{namespace}:{account}", f"--namespace={namespace}"]
    for verb, kind in REACH:
        assert own_cluster.kubectl("auth", "can-i", verb, kind, *user, rc=1).startswith("no"), f"{verb} {kind}"
    allowed = own_cluster.kubectl("auth", "can-i", "--list", *user).splitlines()[1:]
    resources = {line.split(".")[0] for line in allowed if not line.startswith(" ")}
    assert resources <= REVIEWS


def test_service_account_cannot_apply_the_manifests_it_runs_under(own_cluster, namespace, applied):
    user = f"system:serviceaccount:{namespace}:model-server"
    assert "cannot patch resource" in own_cluster.apply([only("Service", applied)], namespace, rc=1, user=user)
