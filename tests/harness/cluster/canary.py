"""Releases by the project's own canary, with its time scaled, whose weights Envoy follows."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from harness.cluster import prometheus
from harness.cluster.cluster import Cluster
from harness.cluster.envoy import Envoy
from harness.cluster.namespaces import NODE
from harness.cluster.prometheus import Targets
from harness.cluster.versions import Clients, Server
from harness.kube import Manifest
from harness.template import Project

LABEL = "rollouts-pod-template-hash"
API_PORT = 8001
LOOK_SECONDS = 0.5
# Hours and minutes of the template as seconds here; all else of it stays.
TIMES = {
    "rollout.yaml": {
        "duration: 1h": "duration: 9s",
        "minReadySeconds: 20": "minReadySeconds: 1",
        "progressDeadlineSeconds: 600": "progressDeadlineSeconds: 12",
    },
    "analysis.yaml": {
        "[15m]": "[10s]",
        "initialDelay: 2m": "initialDelay: 3s",
        "interval: 1m": "interval: 2s",
        "http://prometheus-operated.monitoring.svc:9090": prometheus.ADDRESS,
    },
}
# In 10 seconds instead of 15 minutes; arguments of the Rollout.
FEWER = "".join(f'          - {{ name: {name}, value: "10" }}\n' for name in ("min-requests", "min-predictions"))


def scale_time(project: Project) -> None:
    """Edit the component of a project as a team may do."""
    for name, replaced in TIMES.items():
        path = project.path / "deploy/levels/level-2/canary" / name
        text = path.read_text()
        for old, new in replaced.items():
            assert old in text, f"{name}: {old}"
            text = text.replace(old, new)
        path.write_text(text + (FEWER if name == "rollout.yaml" else ""))


@dataclass
class Release:
    """Releases in a namespace: the servers of their versions, clients, and what was seen."""

    name: str
    namespace: str
    servers: dict[str, Server]  # in the order in which the versions are released
    clients: Clients
    versions: dict[str, str] = field(default_factory=dict)  # by hash
    status: dict[str, Any] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)  # of the requests, by version
    # Shares of a version while it was the newest, in their order.
    reached: dict[str, list[int]] = field(default_factory=dict)
    fewest: int = 99  # pods that were ready

    @property
    def done(self) -> str:
        """Return the version that has all requests if the Rollout is done, one way or the other; else nothing."""
        (version, *others) = [each for each, share in self.shares.items() if share] or [""]
        stable = self.versions.get(self.status.get("stableRS", ""), "")
        phase = "Degraded" if self.status.get("abort") else "Healthy"
        return version if not others and version == stable and self.status.get("phase") == phase else ""


@dataclass
class Driver:
    """Reads what the controller does, and lets Envoy and Prometheus follow."""

    cluster: Cluster
    envoy: Envoy
    targets: Targets
    releases: list[Release]
    error: BaseException | None = None

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Follow the controller until the end of the block."""
        done = Event()
        thread = Thread(target=self._drive, args=[done])
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _drive(self, done: Event) -> None:
        try:
            while not done.wait(LOOK_SECONDS):
                self._look()
        except BaseException as error:
            self.error = error
            raise

    def _look(self) -> None:
        rollouts = {each["metadata"]["namespace"]: each for each in self._all("argoproj.io/v1alpha1", "rollouts")}
        sets: dict[str, list[Manifest]] = {}
        for each in self._all("apps/v1", "replicasets"):
            if LABEL in each["metadata"]["labels"]:
                sets.setdefault(each["metadata"]["namespace"], []).append(each)
        routes = {
            each["metadata"]["namespace"]: each for each in self._all("networking.istio.io/v1", "virtualservices")
        }
        for release in self.releases:
            if found := rollouts.get(release.namespace):
                weights = weights_of(routes[release.namespace]) if release.namespace in routes else None
                self._follow(release, found.get("status", {}), sets.get(release.namespace, []), weights)

    def _follow(
        self, release: Release, status: dict[str, Any], sets: list[Manifest], weights: dict[str, int] | None
    ) -> None:
        """Give each version the share of the ready pods that it has, or what a router's route gives it."""
        ready: Counter[str] = Counter()
        for each in sets:
            hashed = each["metadata"]["labels"][LABEL]
            if hashed not in release.versions:
                release.versions[hashed] = version = [*release.servers][len(release.versions)]
                server = release.servers[version]
                self.targets.add(
                    f"{NODE}:{server.port}", rollouts_pod_template_hash=hashed, namespace=release.namespace
                )
            ready[release.versions[hashed]] += each["status"].get("readyReplicas", 0)
        newest = release.versions.get(status.get("currentPodHash", ""))
        if not (total := ready.total()) or newest is None:
            return
        shares = {each: round(100 * ready[each] / total) for each in release.servers}
        stable = release.versions.get(status.get("stableRS", ""), newest)
        if weights:
            shares = dict.fromkeys(release.servers, 0) | {newest: weights["canary"]}
            shares[stable] += weights["stable"]
        if shares != release.shares:
            self.envoy.weigh(release.name, shares)
            release.shares = shares
        release.clients.weight = shares[newest]
        reached = release.reached.setdefault(newest, [])
        reached += [shares[newest]] if reached[-1:] != [shares[newest]] else []
        release.fewest = min(release.fewest, total)
        release.status = status

    def _all(self, group: str, kind: str) -> list[Manifest]:
        """Return all objects of a kind, none if the cluster does not know it."""
        found = self.cluster.inside.ask("127.0.0.1", API_PORT, f"/apis/{group}/{kind}")
        return found.json["items"] if found.status == 200 else []


def weights_of(route: Manifest) -> dict[str, int]:
    """Return the weights of the stable version and of the canary in a route of Istio."""
    (found,) = route["spec"]["http"]
    return {each["destination"]["host"].rpartition("-")[2]: each["weight"] for each in found["route"]}


def start_api_proxy(cluster: Cluster) -> None:
    """Let this process read from the API without a program for each look."""
    cluster.start("kubectl", "proxy", f"--kubeconfig={cluster.kubeconfig}", f"--port={API_PORT}")
    cluster.eventually("a proxy of the API", lambda: cluster.inside.responds("127.0.0.1", API_PORT, "/readyz"))
