"""The canary of level 2 by the real controller, Prometheus and Envoy, in front of a simulated server of each version.

All releases run side by side, each in a namespace of its own, with hours and minutes as seconds.
"""

import copy
import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from harness.canary_scenarios import BY_NAME, SCENARIOS
from harness.cluster.binaries import Binaries
from harness.cluster.canary import Driver, Release, scale_time, start_api_proxy
from harness.cluster.cluster import Cluster
from harness.cluster.envoy import start_envoy
from harness.cluster.kwok import UNREADY, start_kwok
from harness.cluster.prometheus import start_prometheus
from harness.cluster.rollouts import start_rollouts
from harness.cluster.versions import Clients, Fault, Server
from harness.kube import Manifest, only, with_istio
from harness.template import Project

RATE = 40.0  # requests a second, of each release
LEFT_OUT = {"CronJob", "PrometheusRule", "ServiceMonitor"}  # nothing here reads them
ROUTES: Manifest = {  # Istio's own definition is large, and its schema is checked in tests/render/test_canary.py
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "virtualservices.networking.istio.io"},
    "spec": {
        "group": "networking.istio.io",
        "names": {"kind": "VirtualService", "plural": "virtualservices"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": version,
                "served": True,
                "storage": version == "v1",
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
            for version in ("v1", "v1alpha3")  # that of the template, and the one that the controller reads
        ],
    },
}
FAULTS = {
    "good": Fault(),
    "flawless": Fault(),  # there is no series of errors, so their ratio is empty
    "quiet": Fault(errors=1),  # no one notices, since there are no requests
    "errors": Fault(errors=0.2),
    "slow": Fault(slow=0.2),
    "shifted": Fault(shift=0.15),
    "late": Fault(),  # from 50 % on, it has errors
    "dead": Fault(),  # its pods do not become ready
    "observed": Fault(errors=0.2),  # dryRun: nothing returns it
    "routed": Fault(),  # by a route of Istio, with two pods
}
RETURNED = {"errors": "errors", "slow": "latency", "shifted": "predictions", "late": "errors"}  # the metric that failed
AS_CHECKED = {  # scenarios of `poe canary-check`
    "flawless": "good",
    "errors": "errors",
    "slow": "slow",
    "late": "late fault",
    "shifted": "shifted predictions",
    "dead": "dead",
    "quiet": "no traffic",
}
REACHED = [10, 50, 100]  # and as close to 25 % as ten or eleven pods can be


@dataclass(frozen=True)
class Versions:
    """What production has before and after a promotion."""

    before: list[Manifest]
    after: list[Manifest]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The metrics of the analysis."""
        return copy.deepcopy(only("AnalysisTemplate", self.before)["spec"]["metrics"])


@pytest.fixture(scope="module")
def build(
    render: Callable[..., Project], binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Versions]:
    """Return production of level 2 as its component makes it, but faster; `routed` is what uses Istio."""
    rendered = render(maturity_level=2)
    project = Project(shutil.copytree(rendered.path, tmp_path_factory.mktemp("canary") / "project"), rendered.answers)
    scale_time(project)
    overlay = project.path / "deploy/overlays/production"
    setting, listed = overlay / "image/kustomization.yaml", overlay / "kustomization.yaml"

    def version(alias: str) -> list[Manifest]:
        setting.write_text(re.sub(r"(?<=SERVING_ALIASES=)\S+", alias, setting.read_text()))
        return [each for each in binaries.kustomize(overlay) if each["kind"] not in LEFT_OUT]

    @cache
    def build(kind: str) -> Versions:
        text = listed.read_text()
        if kind == "routed":
            with_istio(project)
        made = Versions(version("release-1"), version("release-2"))
        listed.write_text(text)
        return made

    return build


@pytest.fixture(scope="module")
def versions(build: Callable[[str], Versions]) -> Versions:
    """Return what most releases have."""
    return build("pods")


def of(name: str, build: Callable[[str], Versions]) -> Versions:
    """Return what a release has before and after it."""
    made = copy.deepcopy(build("routed" if name == "routed" else "pods"))
    if name == "dead":
        only("Rollout", made.after)["spec"]["template"]["metadata"]["annotations"] = {UNREADY: "yes"}
    if name == "observed":
        canary(made.after)["analysis"]["dryRun"] = [{"metricName": ".*"}]
    return made


@pytest.fixture(scope="module")
def controller(own_cluster: Cluster) -> Cluster:
    """Return a cluster with a node on which nothing runs, and the controller."""
    start_kwok(own_cluster)
    own_cluster.apply([ROUTES])
    own_cluster.kubectl("wait", "--for=condition=Established", "crd", ROUTES["metadata"]["name"])
    start_rollouts(own_cluster)
    start_api_proxy(own_cluster)
    return own_cluster


@pytest.fixture(scope="module")
def releases(controller: Cluster, build: Callable[[str], Versions], tool: Callable[[str], str]) -> dict[str, Release]:
    """Return all releases after each has ended, one way or the other."""
    inside = controller.inside
    targets = start_prometheus(controller, tool("prometheus"))
    found = {}
    for name, fault in FAULTS.items():
        old = Server(name, "old", Fault())
        new = Server(name, "new", Fault() if name == "late" else fault, name != "flawless")
        for server in (old, new):
            server.start(inside)
        clients = Clients(inside, name, 0 if name == "quiet" else RATE)
        found[name] = Release(name, f"canary-{name}", {"old": old, "new": new}, clients)
    ports = {name: {version: server.port for version, server in each.servers.items()} for name, each in found.items()}
    driver = Driver(controller, start_envoy(controller, ports), targets, [*found.values()])

    def all_are(holds: Callable[[Release], bool]) -> bool:
        assert driver.error is None
        if found["late"].shares.get("new", 0) >= 50:
            found["late"].servers["new"].fault = Fault(errors=0.2)
        return all(holds(each) for each in found.values())

    with ExitStack() as running:
        for release in found.values():
            controller.namespace(release.namespace)
            controller.apply(of(release.name, build).before, release.namespace)
        running.enter_context(driver.driving())
        controller.eventually("ten pods of each", lambda: all_are(ten_pods))
        for release in found.values():
            release.fewest = 99
            running.enter_context(release.clients.asking())
            made = of(release.name, build)
            changed = [each for each in made.after if each not in made.before]  # the controller changes the others
            controller.apply(changed, release.namespace)
        controller.eventually("an end of all", lambda: all_are(ended))
    return found


def canary(of: list[Manifest]) -> dict[str, Any]:
    """Return the strategy of the Rollout."""
    return only("Rollout", of)["spec"]["strategy"]["canary"]


def ten_pods(release: Release) -> bool:
    """Return whether the old version is rolled out."""
    wanted = 2 if release.name == "routed" else 10
    return release.status.get("phase") == "Healthy" and release.status.get("availableReplicas") == wanted


def ended(release: Release) -> bool:
    """Return whether the new version has all requests, or was returned."""
    return release.done == ("old" if release.status.get("abort") else "new")


def measured(cluster: Cluster, release: Release) -> dict[str, dict[str, Any]]:
    """Return what the analysis measured, by metric."""
    runs = cluster.all("analysisruns", release.namespace)
    return {each["name"]: each for run in runs for each in run["status"].get("metricResults", [])}


def assert_share(release: Release, weight: int) -> None:
    """Check that the new version got the share of the requests that it had of the pods."""
    new, total = release.clients.share("new", weight)
    assert total > 100, f"{release.name} at {weight} %"
    deviation = (total * weight / 100 * (1 - weight / 100)) ** 0.5
    assert abs(new - total * weight / 100) <= 5 * deviation + 2, f"{new} of {total} at {weight} %"


@pytest.mark.parametrize("name", ["good", "flawless", "quiet", "observed"])
def test_release_without_a_measured_fault_gets_all_requests_step_by_step(controller, releases, name):
    release = releases[name]
    assert release.status["phase"] == "Healthy", release.status
    weights = [weight for weight in release.reached["new"] if weight in REACHED]
    assert weights == REACHED, release.reached
    assert [weight for weight in release.reached["new"] if 20 <= weight <= 30], "three of ten or eleven pods"
    found = measured(controller, release)
    assert found.keys() == {"errors", "latency", "predictions"}
    if name == "observed":
        return
    for metric in found.values():
        assert metric.get("failed", 0) == metric.get("error", 0) == 0, metric
        assert metric["successful"] > 5, "it is measured until the end"
    assert release.clients.failed() == 0


@pytest.mark.parametrize("name", ["good", "flawless"])
def test_clients_see_the_weights_of_the_steps(releases, name):
    release = releases[name]
    for weight in (10, 50):
        assert_share(release, weight)


def test_no_traffic_is_no_measurement(controller, releases):
    for metric in measured(controller, releases["quiet"]).values():
        assert {each["value"] for each in metric["measurements"]} == {"[]"}


@pytest.mark.parametrize("name", RETURNED)
def test_fault_returns_the_release_by_its_own_metric(controller, releases, name):
    release = releases[name]
    assert release.status["abort"]
    assert f'Metric "{RETURNED[name]}" assessed Failed' in release.status["message"]
    failed = {each["name"] for each in measured(controller, release).values() if each["phase"] == "Failed"}
    assert failed == {RETURNED[name]}
    assert measured(controller, release)[RETURNED[name]]["failed"] == 3
    assert release.clients.share("new", 0)[0] == 0
    assert release.reached["new"][-1] == 0
    assert max(release.reached["new"]) <= (55 if name == "late" else 30)


def test_each_scenario_of_the_canary_check_is_released_here():
    assert sorted(AS_CHECKED.values()) == sorted(each.name for each in SCENARIOS)


@pytest.mark.parametrize("name", AS_CHECKED)
def test_controller_decides_as_the_canary_check_has_to(controller, releases, name):
    release, scenario = releases[name], BY_NAME[AS_CHECKED[name]]
    assert ("aborted" if release.status.get("abort") else "promoted") == scenario.outcome
    failed = [each["name"] for each in measured(controller, release).values() if each["phase"] == "Failed"]
    assert failed == [by for by in [scenario.aborted_by] if by in RETURNED.values()]
    assert {*release.reached["new"]} & {*REACHED} == {*scenario.weights} & {*REACHED}


def test_late_fault_is_found_after_all_weights_before_were_good(releases):
    weights = releases["late"].reached["new"]
    assert [weight for weight in weights if weight in {10, 50}] == [10, 50]
    assert_share(releases["late"], 10)


@pytest.mark.parametrize("name", ["errors", "late"])
def test_requests_fail_only_while_the_faulty_version_gets_some(releases, name):
    clients = releases[name].clients
    assert clients.lost == []
    assert clients.failed() > 0
    assert clients.failed(0) == 0


@pytest.mark.parametrize("name", ["slow", "shifted", "dead"])
def test_no_request_fails_for_want_of_pods(releases, name):
    assert releases[name].clients.failed() == 0


@pytest.mark.parametrize("name", FAULTS)
def test_no_pod_is_missing_at_any_time(releases, name):
    assert releases[name].fewest >= (2 if name == "routed" else 10)


def test_route_of_istio_gives_two_pods_the_weights_of_the_steps(controller, releases):
    release = releases["routed"]
    assert release.status["phase"] == "Healthy"
    assert [weight for weight in release.reached["new"] if weight] == [10, 25, 50, 100]  # a look may miss the first 0
    for weight in (10, 25, 50):
        assert_share(release, weight)
    assert release.clients.failed() == 0
    assert measured(controller, release).keys() == {"errors", "latency", "predictions"}


def test_dead_pods_return_the_release_before_they_get_a_request(releases):
    release = releases["dead"]
    assert release.status["abort"]
    assert "has timed out progressing" in release.status["message"]
    assert release.reached["new"] == [0]
    assert release.servers["new"].codes.total() == 0


def test_first_release_may_be_observed_only(controller, releases):
    metric = measured(controller, releases["observed"])["errors"]
    assert metric["dryRun"]
    assert metric["failed"] > 0
    assert releases["observed"].reached["new"][-1] == 100


def test_lost_readiness_in_mid_canary_starts_no_third_version(controller, versions, releases):
    """With a reference to the Deployment, the controller scaled that up, which had the new version."""
    namespace = controller.namespace("canary-unready")
    controller.apply(versions.before, namespace)
    controller.eventually("ten pods", lambda: ready(controller, namespace) == [10])
    after = copy.deepcopy(versions.after)
    canary(after)["steps"][1]["pause"] = {}  # until the test goes on
    controller.apply(after, namespace)
    controller.eventually("a canary", lambda: status(controller, namespace).get("phase") == "Paused")
    assert ready(controller, namespace) == [1, 9]
    set_ready(controller, namespace, "False")
    controller.eventually("lost readiness", lambda: status(controller, namespace).get("availableReplicas", 0) == 0)
    most = [0, 0]
    for _ in range(10):
        most = [max(each) for each in zip(most, wanted(controller, namespace), strict=True)]
        time.sleep(0.5)
    assert most[0] <= 1, "the new version gets no more pods"
    set_ready(controller, namespace, "True")
    controller.eventually("the canary as it was", lambda: ready(controller, namespace) == [1, 9])
    assert status(controller, namespace)["currentStepIndex"] == 1
    assert controller.all("deployments", namespace) == []
    goes_on = '--patch={"status": {"pauseConditions": null}}'  # what `kubectl argo rollouts promote` does
    controller.kubectl(
        "patch", "rollout", "model-server", f"--namespace={namespace}", "--subresource=status", "--type=merge", goes_on
    )
    controller.eventually("the new version", lambda: ready(controller, namespace) == [10])
    assert status(controller, namespace)["currentStepIndex"] > 1


def status(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Return the status of the Rollout."""
    return (cluster.get("rollout", "model-server", namespace) or {}).get("status", {})


def sets(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Return the sets of pods, the newest first."""
    found = cluster.all("replicasets", namespace)
    return sorted(
        found, key=lambda each: int(each["metadata"]["annotations"]["rollout.argoproj.io/revision"]), reverse=True
    )


def ready(cluster: Cluster, namespace: str) -> list[int]:
    """Return how many pods of each version are ready, the newest version first."""
    found = [each["status"].get("readyReplicas", 0) for each in sets(cluster, namespace)]
    return [each for each in found if each]


def wanted(cluster: Cluster, namespace: str) -> list[int]:
    """Return how many pods each version is to have, the newest version first."""
    return [each["spec"]["replicas"] for each in sets(cluster, namespace)]


def set_ready(cluster: Cluster, namespace: str, value: str) -> None:
    """Let all pods of a namespace become unready or ready."""
    names = [f"pod/{pod['metadata']['name']}" for pod in cluster.all("pods", namespace)]
    conditions = [{"type": each, "status": value} for each in ("Ready", "ContainersReady")]
    patch = f"--patch={json.dumps({'status': {'conditions': conditions}})}"
    cluster.kubectl("patch", *names, f"--namespace={namespace}", "--subresource=status", patch)


ANSWERS = {
    "empty": ("vector(1) > 2", "Successful"),
    "nan": ("vector(0) / vector(0)", "Successful"),
    "below": ("vector(0.01)", "Successful"),
    "above": ("vector(0.9)", "Failed"),
    "infinite": ("vector(1) / vector(0)", "Failed"),
}
WITHOUT_CARE = "len(result) > 0 && result[0] <= 0.01"  # as many examples have it


@pytest.mark.parametrize("answer", ANSWERS)
def test_condition_holds_for_each_kind_of_answer(controller, releases, versions, answer):
    query, phase = ANSWERS[answer]
    metrics = versions.metrics
    assert run(controller, versions, f"condition-{answer}", query, metrics) == {each["name"]: phase for each in metrics}


def test_condition_without_care_fails_where_nothing_was_measured(controller, releases, versions):
    """The tests above find such a condition."""
    (metric, *_) = versions.metrics
    metric["successCondition"] = WITHOUT_CARE
    for answer in ("empty", "nan"):
        found = run(controller, versions, f"careless-{answer}", ANSWERS[answer][0], [copy.deepcopy(metric)])
        assert found == {"errors": "Failed"}


def run(cluster: Cluster, versions: Versions, name: str, query: str, metrics: list[dict[str, Any]]) -> dict[str, str]:
    """Let the controller evaluate metrics on the answer to a query once, and return the phase of each."""
    args = [{"value": "x", **each} for each in only("AnalysisTemplate", versions.before)["spec"]["args"]]
    for metric in metrics:
        metric["provider"]["prometheus"]["query"] = query
        metric |= {"count": 1, "failureLimit": 0}
        del metric["initialDelay"], metric["interval"]
    analysis = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": name}}
    cluster.apply([{**analysis, "spec": {"args": args, "metrics": metrics}}])

    def done() -> dict[str, str] | None:
        status = (cluster.get("analysisrun", name, "default") or {}).get("status", {})
        results = {each["name"]: each["phase"] for each in status.get("metricResults", [])}
        return results if len(results) == len(metrics) and "Running" not in results.values() else None

    return cluster.eventually("an analysis", done)
