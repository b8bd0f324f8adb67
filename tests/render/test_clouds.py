"""Production in each cloud: strictly valid, without keys, the same but for what differs between clouds; and fail-over."""

import json
import re
from collections.abc import Callable

import pytest
import yaml
from harness.kube import Manifest, built, manifests, only, problems
from harness.projects import UNUSUAL
from harness.template import Project

CLOUDS = ["aws", "gcp", "azure", "on-premises"]
DEFAULT = {"maturity_level": 3}
KSERVE = {"maturity_level": 3, "serving_platform": "kserve"}
IDENTITIES = {
    "aws": "eks.amazonaws.com/role-arn",
    "gcp": "iam.gke.io/gcp-service-account",
    "azure": "azure.workload.identity/client-id",
}
each_cloud = pytest.mark.parametrize("cloud", CLOUDS)
each_answers = pytest.mark.parametrize(
    "answers", [DEFAULT, {**DEFAULT, **UNUSUAL}, KSERVE], ids=["default", "unusual", "kserve"]
)


def values(project: Project, cloud: str) -> dict[str, str]:
    """Return what the file of a cluster has."""
    return yaml.safe_load(project.text(f"deploy/clusters/{cloud}/cluster.yaml"))["data"]


def server(found: list[Manifest]) -> Manifest:
    """Return what runs the model server, and its pods."""
    (one,) = (each for each in found if each["kind"] in {"Rollout", "InferenceService"})
    return one


@each_answers
@each_cloud
def test_cluster_is_production_with_the_values_of_its_file(render, tool, answers, cloud):
    project = render(**answers)
    wanted, production = values(project, cloud), built(project, "deploy/overlays/production", tool)
    found = built(project, f"deploy/clusters/{cloud}", tool)
    assert [problem for one in found for problem in problems(one)] == []
    added = {(one["kind"], one["metadata"]["name"]) for one in found if one["kind"] in {"Ingress", "NetworkPolicy"}}
    assert len(found) - len(production) == len(added) - sum(one["kind"] == "NetworkPolicy" for one in production)
    account = only("ServiceAccount", found, "model-server")["metadata"]
    assert account.get("annotations", {}) == ({IDENTITIES[cloud]: wanted["identity"]} if "identity" in wanted else {})
    images = [
        re.findall(r'"image": "(.*?/customer-churn.*?|.*?/on-call.*?)"', json.dumps(server(one)), re.IGNORECASE)
        for one in (production, found)
    ]
    ((before,), (after,)) = images
    assert after == f"{wanted['registry']}/{before.partition('/')[2]}"
    (settings,) = (one for one in found if "MLFLOW_TRACKING_URI" in one.get("data", {}))
    assert settings["data"]["MLFLOW_TRACKING_URI"] == wanted["tracking"]
    assert settings["metadata"]["name"] in json.dumps(server(found)), "pods follow its changes"
    assert "Secret" not in {one["kind"] for one in found}
    assert not re.search("set-by|ACCESS_KEY|CREDENTIALS|CLIENT_SECRET", json.dumps(found))


@each_cloud
def test_requests_come_in_by_tls_from_where_the_cloud_sends_them(render, tool, cloud):
    project = render(**DEFAULT)
    wanted, found = values(project, cloud), built(project, f"deploy/clusters/{cloud}", tool)
    ingress, service = only("Ingress", found)["spec"], only("Service", found, "model-server")
    assert ingress["rules"][0]["host"] == wanted["host"]
    assert ingress["tls"][0]["hosts"] == [wanted["host"]]
    (path,) = ingress["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert path["backend"]["service"]["port"]["name"] == service["spec"]["ports"][0]["name"]
    policies = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "NetworkPolicy"}
    assert ("load-balancer" in policies) == ("balancer" in wanted)
    if balancer := policies.get("load-balancer"):
        assert balancer["ingress"][0]["from"][0]["ipBlock"]["cidr"] == wanted["balancer"]
        assert balancer["podSelector"]["matchLabels"].items() <= pod(found)["metadata"]["labels"].items()
    assert ("azure.workload.identity/use" in pod(found)["metadata"]["labels"]) == (cloud == "azure")


def pod(found: list[Manifest]) -> Manifest:
    return server(found)["spec"]["template"]


def test_kserve_keeps_its_own_gateway(render, tool):
    for cloud in CLOUDS:
        assert "Ingress" not in {one["kind"] for one in built(render(**KSERVE), f"deploy/clusters/{cloud}", tool)}


@each_answers
def test_applications_are_valid_and_limited_to_production(render, answers):
    project = render(**answers)
    (allowed,) = manifests(project.path / "deploy/clouds/argocd/project.yaml")
    (declared,) = manifests(project.path / "deploy/clouds/argocd/applications.yaml")
    assert problems(allowed) + problems(declared) == []
    (selector,) = declared["spec"]["generators"][0]["clusters"]["selector"]["matchExpressions"]
    assert selector["values"] == CLOUDS
    spec, namespace = declared["spec"]["template"]["spec"], f"{project.answers['project_slug']}-production"
    assert spec["project"] == allowed["metadata"]["name"]
    assert spec["destination"]["namespace"] == namespace
    assert [one["namespace"] for one in allowed["spec"]["destinations"]] == [namespace]
    assert [one["name"] for one in allowed["spec"]["clusterResourceWhitelist"]] == [namespace]


@each_answers
def test_requests_go_to_hosts_of_clusters_in_the_order_of_their_priority(render, answers):
    project = render(**answers)
    (router,) = yaml.safe_load(project.text("deploy/fail-over/envoy.yaml"))["static_resources"]["clusters"]
    assert [one["priority"] for one in router["load_assignment"]["endpoints"]] == [0, 1]
    hosts = [one["lb_endpoints"][0]["endpoint"] for one in router["load_assignment"]["endpoints"]]
    wanted = [values(project, cloud)["host"] for cloud in CLOUDS[:2]]
    assert [one["address"]["socket_address"]["address"] for one in hosts] == wanted
    assert [one["health_check_config"]["hostname"] for one in hosts] == wanted


def test_regions_of_aws_are_those_of_its_own_client(render):
    from botocore.session import get_session

    schema = yaml.safe_load(render(**DEFAULT).text("deploy/clouds/cluster.schema.yaml"))
    listed = schema["allOf"][0]["then"]["properties"]["region"]["enum"]
    partitions = ("aws", "aws-cn", "aws-us-gov")
    assert listed == sorted(one for each in partitions for one in get_session().get_available_regions("ec2", each))


def test_commands_of_the_docs_that_add_clusters_set_name_and_label(render: Callable[..., Project]):
    project = render(**DEFAULT)
    found = re.findall(
        r"^argocd cluster add CONTEXT --name (\S+) --label cloud=(\S+)", project.text("docs/clouds.md"), re.MULTILINE
    )
    assert found == [(cloud, cloud) for cloud in CLOUDS]
