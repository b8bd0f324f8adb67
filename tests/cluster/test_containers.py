"""The project's own image in a real pod: when it is ready, what it survives, and whether a request is lost."""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from harness import environments
from harness.cluster.binaries import Binaries
from harness.cluster.cluster import Cluster, cluster
from harness.cluster.load import Clients
from harness.cluster.metrics import start_metrics_server
from harness.cluster.mlflow import ADDRESS, HOST, PORT, start_mlflow
from harness.cluster.namespaces import Namespaces
from harness.cluster.network_policies import TOOLS as ENFORCERS
from harness.cluster.network_policies import missing, start_network_policies
from harness.cluster.node import DNS_ADDRESS, node, start_pod
from harness.docker import PROGRAMS, engine, import_stand_ins
from harness.kube import Manifest
from harness.projects import DEFAULT, inside
from harness.shared import Shared
from harness.template import Project, clean_environment

NAMESPACE = "customer-churn-production"
SERVER = "model-server"
FILL = "file = open('/tmp/full', 'wb'); [file.write(bytes(1 << 20)) for _ in range(1100)]"  # more than it may hold


@pytest.fixture(scope="module")
def project(render: Callable[..., Project], disk: Path) -> Project:
    """Return the default project after a user's first steps."""
    rendered = render(**DEFAULT)
    copied = Project(shutil.copytree(rendered.path, disk / "in-cluster" / "customer-churn"), rendered.answers)
    environments.install(copied, Shared(disk / "shared"))
    return copied


@pytest.fixture(scope="module")
def image(project: Project, disk: Path, tool: Callable[[str], str], node_programs: None, binaries: Binaries) -> Path:
    """Return an archive with the image that the project's own task builds, under the name that its overlays have."""
    for program in PROGRAMS:
        tool(program)
    (name,) = re.findall(r"docker build --tag (\S+)", project.text("tasks/level-1.toml"))
    archive = disk / "image.tar"
    with engine() as docker:
        import_stand_ins(docker, project.text("Dockerfile"))
        project.poe("build", "--network=host", rc=0, **docker.variables)
        docker.docker("save", "--output", archive, name)
    return archive


@pytest.fixture(scope="module")
def production(image: Path, project: Project, binaries: Binaries, disk: Path) -> Iterator[Cluster]:
    """Return a cluster in which production is deployed, and no version of the model is champion."""
    folder = disk / "cluster"
    folder.mkdir()
    with cluster(binaries, folder) as made, node(made, image):
        made.define("prometheus-operator")
        start_metrics_server(made)
        start_mlflow(made, project)
        made.namespace(NAMESPACE)
        made.apply(binaries.kustomize(project.path / "deploy" / "overlays" / "production"), NAMESPACE)
        yield made


@pytest.fixture(scope="module")
def clients(production: Cluster) -> Clients:
    """Return clients of the service."""
    address = (production.get("service", SERVER, NAMESPACE) or {})["spec"]["clusterIP"]
    return Clients(production.inside, address, 80)


@pytest.fixture(scope="module")
def champion(production: Cluster, project: Project) -> Cluster:
    """Train a version, bring it to production as the runbook does, and return the cluster when its pods are ready."""
    project.poe("pipeline")  # before there was a cluster, so it is registered in this folder
    project.commit("First model")
    (project.path / ".env").write_text(f"MLFLOW_TRACKING_URI={ADDRESS}\n")
    (_, step) = project.text("docs/runbooks/deploy.md").split("**A champion.**")
    for command in re.findall(r"^ +uv run poe (.*)$", step, re.MULTILINE):
        run_in_cluster(production, project, *shlex.split(command))
    production.eventually("two ready pods", lambda: len(ready(production)) == 2)
    return production


def run_in_cluster(production: Cluster, project: Project, *task: str) -> None:
    """Run a task where MLflow is."""
    command = ["env", f"--chdir={project.path}", "uv", "run", "poe", *task]
    production.inside.run(*command, rc=0, text="", **clean_environment())


@pytest.fixture(scope="module")
def expected(champion: Cluster, project: Project) -> dict[str, Any]:
    """Return the rows of the test set, and what the trained model predicts for them."""
    return inside(project, "predictions.py", project.answers["package_name"])


def pods(production: Cluster) -> list[Manifest]:
    """Return the pods of the server that are not being deleted."""
    found = production.all("pods", NAMESPACE, "app.kubernetes.io/component=server")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def ready(production: Cluster) -> list[str]:
    """Return the names of the pods that are ready."""
    return [pod["metadata"]["name"] for pod in pods(production) if condition(pod, "Ready") == "True"]


def condition(pod: Manifest, name: str) -> str:
    """Return a condition of a pod."""
    return next((each["status"] for each in pod["status"].get("conditions", []) if each["type"] == name), "")


def server_of(pod: Manifest) -> Manifest:
    """Return the status of the server's container."""
    return next(iter(pod["status"].get("containerStatuses", [])), {})


def restart(production: Cluster) -> None:
    """Replace all pods, and wait until that is done."""
    production.kubectl("rollout", "restart", f"deployment/{SERVER}", f"--namespace={NAMESPACE}")
    rolled_out(production)


def rolled_out(production: Cluster) -> None:
    """Wait until all pods are of the newest version, and no other is left."""
    production.kubectl("rollout", "status", f"deployment/{SERVER}", f"--namespace={NAMESPACE}", "--timeout=180s")
    production.eventually("no old pod", lambda: len(production.all("pods", NAMESPACE)) == len(ready(production)))


def test_pods_run_but_are_not_ready_without_a_champion(production, clients):
    production.eventually(
        "two started pods", lambda: [server_of(pod).get("started") for pod in pods(production)] == [True] * 2
    )
    assert ready(production) == []
    for pod in pods(production):
        answer = Clients(production.inside, pod["status"]["podIP"], 8080).ask("/v2/health/ready")
        assert answer.status == 503
    with pytest.raises(OSError, match="refused"):
        clients.ask("/v2/health/ready")


def test_pods_become_ready_with_a_champion_and_predict_as_the_pipeline_did(champion, clients, expected):
    assert [server_of(pod)["restartCount"] for pod in pods(champion)] == [0, 0]
    answer = clients.ask("/predict", {"rows": expected["rows"]}).json
    found = [[*row["probabilities"].values()] for row in answer["predictions"]]
    assert found == [pytest.approx(row, abs=1e-5) for row in expected["probabilities"]]


def test_server_is_as_restricted_as_its_manifest(champion):
    name = ready(champion)[0]
    run = ("exec", name, f"--namespace={NAMESPACE}", "--")
    assert champion.kubectl(*run, "id").startswith("uid=10001(server) gid=10001(server) ")
    assert "Read-only file system" in champion.kubectl(*run, "touch", "/app/x", rc=1)
    status = champion.kubectl(*run, "grep", "-E", "^(CapEff|NoNewPrivs|Seccomp):", "/proc/self/status").split()
    assert status == ["CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert "No such file" in champion.kubectl(*run, "ls", "/var/run/secrets/kubernetes.io", rc=2)


def test_killed_server_comes_back_in_its_pod(champion):
    (name, *_) = ready(champion)

    def server() -> Manifest:
        (found,) = (server_of(pod) for pod in pods(champion) if pod["metadata"]["name"] == name)
        return found

    container = server()["containerID"].removeprefix("containerd://")
    champion.inside.run("ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", container)
    champion.eventually("a restart", lambda: server().get("restartCount") == 1)
    assert server()["lastState"]["terminated"]["exitCode"] == 137
    champion.eventually("two ready pods", lambda: len(ready(champion)) == 2)


def test_pod_that_fills_its_disk_is_replaced_and_the_other_keeps_serving(champion, clients, expected):
    (full, other) = ready(champion)
    champion.kubectl("exec", full, f"--namespace={NAMESPACE}", "--", "python", "-c", FILL, rc=None)
    champion.eventually("an eviction", lambda: reason(champion, full) == "Evicted")
    assert other in ready(champion)
    assert clients.ask("/predict", {"rows": expected["rows"][:1]}).status == 200
    champion.eventually("two ready pods", lambda: len(ready(champion)) == 2)
    champion.kubectl("delete", "pod", full, f"--namespace={NAMESPACE}")


def reason(production: Cluster, name: str) -> str:
    """Return why a pod ended."""
    return (production.get("pod", name, NAMESPACE) or {}).get("status", {}).get("reason", "")


def test_rolling_update_under_load_loses_no_request(champion, clients, expected):
    before = ready(champion)
    load = Clients(champion.inside, clients.host, clients.port)
    with load.asking("/predict", {"rows": expected["rows"][:1]}):
        restart(champion)
    assert not {*before} & {*ready(champion)}
    assert load.answered[200] > 100
    assert load.failed() == []


def test_drain_of_a_node_under_load_takes_one_pod_and_loses_no_request(champion, clients, expected):
    (node,) = {pod["spec"]["nodeName"] for pod in pods(champion)}
    before = ready(champion)
    load = Clients(champion.inside, clients.host, clients.port)
    with load.asking("/predict", {"rows": expected["rows"][:1]}):
        # DNS and MLflow stay: no controller would replace their pods.
        flags = ("--pod-selector=app.kubernetes.io/component=server", "--delete-emptydir-data", "--timeout=20s")
        printed = champion.kubectl("drain", node, *flags, rc=1)
    assert "would violate the pod's disruption budget" in printed
    assert len({*before} & {*ready(champion)}) == 1
    assert load.answered[200] > 100
    assert load.failed() == []
    champion.kubectl("uncordon", node)
    champion.eventually("two ready pods", lambda: len(ready(champion)) == 2)


def test_rolling_update_of_servers_that_do_not_drain_loses_requests(champion, clients, expected):
    """The tests above find a lost request."""
    change = ("set", "env", f"deployment/{SERVER}", f"--namespace={NAMESPACE}")
    champion.kubectl(*change, "SERVING_DRAIN_SECONDS=0")
    rolled_out(champion)
    load = Clients(champion.inside, clients.host, clients.port)
    with load.asking("/predict", {"rows": expected["rows"][:1]}):
        restart(champion)
    assert load.failed()
    champion.kubectl(*change, "SERVING_DRAIN_SECONDS-")
    rolled_out(champion)


@pytest.fixture(scope="module")
def enforced(champion: Cluster, go: str, tool: Callable[[str], str], lacking: Callable[[str], NoReturn]) -> Cluster:
    """Return the cluster when network policies are in force."""
    for program in ENFORCERS:
        tool(program)
    if lacks := missing():
        lacking(f"the kernel cannot enforce network policies: {lacks}")
    start_network_policies(champion, go)
    return champion


@pytest.fixture(scope="module")
def outside(enforced: Cluster) -> dict[str, Namespaces]:
    """Return the networks of pods in other namespaces, by the name of the namespace."""
    return {
        name: start_pod(enforced, enforced.namespace(name), name) for name in ("ingress", "monitoring", "elsewhere")
    }


@pytest.fixture(scope="module")
def refused(enforced: Cluster, outside: dict[str, Namespaces]) -> Iterator[Callable[[], set[str]]]:
    """Return a function that returns which connections of pods are refused."""
    stranger = (enforced.get("pod", "elsewhere", "elsewhere") or {})["status"]["podIP"]
    listening = [outside["elsewhere"].listen(stranger, port) for port in (443, 8080)]

    def refused() -> set[str]:
        first, second = [pod["status"]["podIP"] for pod in pods(enforced) if condition(pod, "Ready") == "True"][:2]
        server = enforced.inside.of_pod(first)
        connections = {f"{name} to server": (pod, first, 8080) for name, pod in outside.items()} | {
            "server to server": (server, second, 8080),
            "server to DNS": (server, DNS_ADDRESS, 53),
            "server to MLflow": (server, HOST, PORT),
            "server to elsewhere, HTTPS": (server, stranger, 443),
            "server to elsewhere": (server, stranger, 8080),
        }
        return {name for name, connection in connections.items() if not connects(*connection)}

    yield refused
    for each in listening:
        each.close()


def connects(source: Namespaces, host: str, port: int) -> bool:
    """Return whether a connection is accepted."""
    try:
        source.connect(host, port, timeout=5).close()
    except OSError:
        return False
    return True


def put_in_force(production: Cluster, manifests: list[Manifest]) -> None:
    """Replace the network policies of production by those among manifests."""
    production.kubectl("delete", "networkpolicy", "--all", f"--namespace={NAMESPACE}")
    if policies := [each for each in manifests if each["kind"] == "NetworkPolicy"]:
        production.apply(policies, NAMESPACE)


def test_network_policy_allows_clients_prometheus_dns_mlflow_and_https_alone(
    enforced, project, clients, outside, refused, expected
):
    put_in_force(enforced, enforced.binaries.kustomize(project.path / "deploy" / "overlays" / "production"))
    forbidden = {"elsewhere to server", "server to server", "server to elsewhere"}
    enforced.eventually("only these refusals", lambda: refused() == forbidden)
    restart(enforced)  # new pods find MLflow by DNS, and the kubelet's probes reach them
    rows = {"rows": expected["rows"][:1]}
    assert outside["ingress"].ask(clients.host, clients.port, "/predict", rows).status == 200
    server = pods(enforced)[0]["status"]["podIP"]
    assert "inference_requests_total" in outside["monitoring"].ask(server, 8080, "/metrics").text
    assert refused() == forbidden


def test_network_policies_of_a_platform_for_teams_allow_the_own_namespace_too(enforced, render, refused):
    folder = render(maturity_level=3).path / "deploy" / "platform" / "namespace"
    put_in_force(enforced, enforced.binaries.kustomize(folder))
    forbidden = {"elsewhere to server", "server to elsewhere"}
    enforced.eventually("only these refusals", lambda: refused() == forbidden)
    restart(enforced)
    assert refused() == forbidden


def test_without_network_policies_no_connection_is_refused(enforced, refused):
    """The tests above find policies that are not enforced."""
    put_in_force(enforced, [])
    enforced.eventually("no refusals", lambda: refused() == set())


def test_autoscaler_adds_pods_under_load(champion, clients, expected):
    """Two cores cannot use 70 % of what the pods request, so they request less here."""
    champion.kubectl("set", "resources", f"deployment/{SERVER}", f"--namespace={NAMESPACE}", "--requests=cpu=50m")
    rolled_out(champion)
    load = Clients(champion.inside, clients.host, clients.port)
    with load.asking("/predict", {"rows": expected["rows"]}):
        champion.eventually("more pods", lambda: len(ready(champion)) > 2)
