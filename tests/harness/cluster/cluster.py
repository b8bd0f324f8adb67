"""The control plane of a cluster: etcd, the API server, its controllers and the scheduler."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from harness.cluster.binaries import Binaries
from harness.cluster.namespaces import NODE, SERVICES, Namespaces, Program, namespaces
from harness.kube import Manifest

PATIENCE_SECONDS = 480
API, SECOND_API = 6443, 6444  # ports
SERVICE_ACCOUNTS = "https://kubernetes.default.svc"
TOKEN = "administrator"  # nothing outside the namespaces reaches the server


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs."""

    binaries: Binaries
    inside: Namespaces
    kubeconfig: Path

    def kubectl(self, *arguments: str | Path, rc: int | None = 0, text: str = "") -> str:
        """Run `kubectl`, and return what it prints."""
        command = [*self.binaries.program("kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        return self.inside.run(*command, rc=rc, text=text, HOME=str(self.inside.folder))

    def get(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """Return an object, if there is one."""
        found = self.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json", "--ignore-not-found")
        return json.loads(found) if found else None

    def all(self, kind: str, namespace: str, selector: str = "") -> list[Manifest]:
        """Return all objects of a kind in a namespace."""
        found = self.kubectl("get", kind, f"--namespace={namespace}", f"--selector={selector}", "--output=json")
        return json.loads(found)["items"]

    def apply(self, manifests: list[Manifest], namespace: str = "default", rc: int | None = 0, user: str = "") -> str:
        """Apply manifests on the server, which rejects unknown fields, and return what that prints."""
        options = [f"--namespace={namespace}", "--server-side", "--validate=strict", "--filename=-"]
        options += [f"--as={user}"] if user else []
        return self.kubectl("apply", *options, rc=rc, text=yaml.safe_dump_all(manifests))

    def define(self, *modules: str) -> None:
        """Add the resources that modules define."""
        self.create_definitions(path for module in modules for path in self.binaries.manifests(module))

    def create_definitions(self, paths: Iterable[Path]) -> None:
        """Add the resources that files define."""
        self.kubectl("apply", "--server-side", "--force-conflicts", *(f"--filename={path}" for path in paths))
        wait = ("wait", "--for=condition=Established", f"--timeout={PATIENCE_SECONDS}s", "crd", "--all")
        # One has no status at first, which is an error.
        self.eventually("definitions", lambda: "error" not in self.kubectl(*wait, rc=None))

    def start(self, name: str, *flags: str | Path, **variables: str) -> Program:
        """Start one of the programs beside the control plane."""
        return self.start_command(name, [*self.binaries.program(name), *flags], **variables)

    def start_command(self, name: str, command: Iterable[str | Path], **variables: str) -> Program:
        """Start any program beside the control plane."""
        environment = {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.inside.folder), **variables}
        return self.inside.start(name, *command, **environment)

    def namespace(self, name: str) -> str:
        """Make a namespace in which only restricted pods may run, as Argo CD makes it, and return its name."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}])
        return name

    def eventually(self, what: str, holds: Callable[[], Any], by: Program | None = None) -> Any:
        """Wait until something holds, and return it; fail at once if a program has ended, with the log of the one in charge."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if found := holds():
                return found
            for program in self.inside.programs:
                program.running()
            time.sleep(0.2)
        logs = f"{by.name} logged:\n{by.end_of_log}" if by else f"logs: {self.inside.folder}/log"
        raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}\n{logs}")


@contextmanager
def cluster(binaries: Binaries, folder: Path) -> Iterator[Cluster]:
    """Start a control plane without nodes, and end it with all that was started in it."""
    with namespaces(folder) as inside:
        made = Cluster(binaries, inside, folder / "kubeconfig")
        made.kubeconfig.write_text(yaml.safe_dump(kubeconfig(API)))
        keys(made)
        control_plane(made)
        yield made


def second_cluster(first: Cluster) -> Cluster:
    """Start an API server with etcd and accounts of its own beside a cluster, which ends with that."""
    folder = first.inside.folder / "second"
    folder.mkdir()
    made = Cluster(first.binaries, replace(first.inside, folder=folder), folder / "kubeconfig")
    made.kubeconfig.write_text(yaml.safe_dump(kubeconfig(SECOND_API)))
    keys(made)
    etcd, peers = "http://127.0.0.1:2479", "http://127.0.0.1:2480"
    storage(
        made,
        f"--listen-client-urls={etcd}",
        f"--advertise-client-urls={etcd}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    )
    api_server(made, etcd, SECOND_API)
    controllers(made, "--controllers=serviceaccount-controller,serviceaccount-token-controller", "--secure-port=0")
    return made


def kubeconfig(port: int) -> Manifest:
    """Return how clients reach the server, as administrators."""
    server = {"server": f"https://{NODE}:{port}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }


def on_the_node(name: str, namespace: str, port: int, target: int) -> list[Manifest]:
    """Return a service whose requests go to a port of the node, where no pod is."""
    metadata = {"name": name, "namespace": namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "port", "port": port, "targetPort": target}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "port", "port": target, "protocol": "TCP"}],
            "endpoints": [{"addresses": [NODE], "conditions": {"ready": True}}],
        },
    ]


def keys(made: Cluster) -> None:
    """Write what signs tokens of service accounts, and what the API server proves itself with to extensions of it."""
    folder = made.inside.folder / "keys"
    folder.mkdir()
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    made.inside.run("openssl", "genrsa", "-out", folder / "accounts.key", "2048")
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
    made.inside.run(*certificate, "-subj", "/CN=proxy", "-keyout", folder / "proxy.key", "-out", folder / "proxy.crt")


def control_plane(made: Cluster) -> None:
    """Start etcd, the API server, the controllers and the scheduler."""
    storage(made)
    api_server(made, "http://127.0.0.1:2379", API)
    controllers(made, "--horizontal-pod-autoscaler-sync-period=2s")
    made.start("kube-scheduler", f"--kubeconfig={made.kubeconfig}", "--leader-elect=false")


def storage(made: Cluster, *flags: str) -> None:
    """Start etcd."""
    made.start("etcd", "--unsafe-no-fsync", f"--data-dir={made.inside.folder}/etcd", "--log-level=warn", *flags)


def api_server(made: Cluster, etcd: str, port: int) -> None:
    """Start the API server."""
    keys = made.inside.folder / "keys"
    made.start(
        "kube-apiserver",
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        f"--advertise-address={NODE}",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged",
        "--authorization-mode=RBAC",
        f"--cert-dir={keys}",
        f"--token-auth-file={keys}/tokens.csv",
        f"--service-account-issuer={SERVICE_ACCOUNTS}",
        f"--service-account-key-file={keys}/accounts.key",
        f"--service-account-signing-key-file={keys}/accounts.key",
        # for extensions of the API, such as the one of metrics
        "--enable-aggregator-routing",
        f"--requestheader-client-ca-file={keys}/proxy.crt",
        "--requestheader-allowed-names=proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={keys}/proxy.crt",
        f"--proxy-client-key-file={keys}/proxy.key",
        "--kubelet-preferred-address-types=InternalIP",
    )
    made.eventually("an API server", lambda: made.kubectl("get", "--raw=/readyz", rc=None) == "ok")


def controllers(made: Cluster, *flags: str) -> None:
    """Start the controllers."""
    keys = made.inside.folder / "keys"
    made.start(
        "kube-controller-manager",
        f"--kubeconfig={made.kubeconfig}",
        f"--service-account-private-key-file={keys}/accounts.key",
        f"--root-ca-file={keys}/apiserver.crt",
        "--leader-elect=false",
        *flags,
    )
    made.eventually("a namespace's account", lambda: made.get("serviceaccount", "default", "default"))
