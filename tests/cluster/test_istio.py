"""The route of level 2's canary by Istio's real control plane, which the proxy of a client follows."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest
from harness.cluster.binaries import Binaries
from harness.cluster.cluster import Cluster, on_the_node
from harness.cluster.istio import start_istio, start_proxy
from harness.cluster.versions import Server
from harness.kube import Manifest, only, with_istio
from harness.template import Project

NAMESPACE = "customer-churn-production"
REQUESTS = 1000


@pytest.fixture(scope="module")
def route(render: Callable[..., Project], binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Return the route of a project that lists the component for Istio as its runbook says."""
    rendered = render(maturity_level=2)
    project = Project(shutil.copytree(rendered.path, tmp_path_factory.mktemp("istio") / "project"), rendered.answers)
    return only("VirtualService", binaries.kustomize(with_istio(project).path / "deploy/overlays/production"))


@pytest.fixture(scope="module")
def mesh(own_cluster: Cluster, go: str, route: Manifest) -> Cluster:
    """Return a cluster in which Istio has the route, a server is behind each of its services, and a client has a proxy."""
    start_istio(own_cluster, go)
    own_cluster.namespace(NAMESPACE)
    own_cluster.namespace("client")
    for name in ("model-server", "model-server-stable", "model-server-canary"):
        server = Server(name, name)
        server.start(own_cluster.inside)
        own_cluster.apply(on_the_node(name, NAMESPACE, 80, server.port), NAMESPACE)
    own_cluster.apply([route], NAMESPACE)
    start_proxy(own_cluster, "client")
    return own_cluster


def answered(mesh: Cluster, requests: int = 1) -> Counter[str]:
    """Return which service answered how many requests for the model server."""
    found: Counter[str] = Counter()
    with closing(mesh.inside.connect("127.0.0.1", 80)) as connection:
        for _ in range(requests):
            connection.request("GET", "/predict", headers={"Host": f"model-server.{NAMESPACE}"})
            response = connection.getresponse()
            content = response.read()
            found[json.loads(content)["version"] if response.status == 200 else str(response.status)] += 1
    return found


def test_requests_go_where_the_route_says(mesh, route):
    mesh.eventually("a route", lambda: answered(mesh) == {"model-server-stable": 1})
    assert answered(mesh, REQUESTS) == {"model-server-stable": REQUESTS}
    (rule,) = route["spec"]["http"]
    for target, weight in zip(rule["route"], (80, 20), strict=True):  # as the controller of releases sets them
        target["weight"] = weight
    mesh.apply([route], NAMESPACE)
    mesh.eventually("a canary", lambda: answered(mesh)["model-server-canary"])
    found = answered(mesh, REQUESTS)
    assert found.keys() == {"model-server-stable", "model-server-canary"}
    assert 0.15 < found["model-server-canary"] / REQUESTS < 0.25  # four standard deviations
