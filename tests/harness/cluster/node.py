"""A real node: the kubelet with containerd, the proxy of services, DNS, and mounts and control groups of its own."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import NODE, Namespaces
from harness.kube import Manifest

NAME = "node-0"
PODS = "10.244.0.0/24"
PAUSE = "localhost/pause:1"
PLUGINS = Path("/usr/lib/cni")
TOOLS = ["containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft"]
BRIDGED = "bridge/bridge-nf-call-iptables"  # below /proc/sys/net: rules are for packets from one pod to another, too
GROUPS = Path("/sys/fs/cgroup")
RUNTIME = "/run/containerd/containerd.sock"
# The kubelet requires these settings, which belong to the whole machine: it sees them set, and they are not.
SETTINGS = {"vm/overcommit_memory": 1, "kernel/panic": 10, "kernel/panic_on_oops": 1}
NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "pods",
            "isDefaultGateway": True,
            "hairpinMode": True,
            "ipam": {"type": "host-local", "dataDir": "/run/cni/ipam", "ranges": [[{"subnet": PODS}]]},
        }
    ],
}
CONTAINERD = """\
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_tcp_service = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "/run/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""
DNS_ADDRESS = "10.0.0.10"  # one of SERVICES
DNS_SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "dns", "namespace": "kube-system"},
    "spec": {
        "clusterIP": DNS_ADDRESS,
        "selector": {"app": "dns"},
        "ports": [{"name": name.lower(), "port": 53, "protocol": name} for name in ("UDP", "TCP")],
    },
}
DNS = """\
.:53 {{
    errors
    kubernetes cluster.local {{
        kubeconfig {kubeconfig}
    }}
}}
"""


@contextmanager
def node(cluster: Cluster, *images: Path) -> Iterator[None]:
    """Add a node with images in it, on which pods really run."""
    group = f"cluster-{cluster.inside.pid}"
    with control_groups(group):
        own_mounts(cluster)
        start_containerd(cluster, images)
        start_proxy(cluster)
        start_kubelet(cluster, group)
        start_dns(cluster)
        try:
            yield
        finally:
            cluster.inside.run("bash", "-c", "kill -KILL -1", rc=None)  # all but the first


@contextmanager
def control_groups(name: str) -> Iterator[None]:
    """Make a group for all pods in each hierarchy, and delete it after the block."""
    hierarchies = [GROUPS] if (GROUPS / "cgroup.controllers").exists() else [*GROUPS.iterdir()]
    groups = [hierarchy / name for hierarchy in hierarchies if hierarchy.is_dir() and not hierarchy.is_symlink()]
    for group in groups:
        group.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):  # empty in version 1, and no process could join
            if (group / "cgroup.clone_children").exists() and (group / setting).exists():
                (group / setting).write_text((group.parent / setting).read_text())
        if (group / "cgroup.controllers").exists() and (group / "cgroup.controllers").read_text().split():
            (group / "cgroup.subtree_control").write_text("+cpu +cpuset +io +memory +pids")
    try:
        yield
    finally:
        for group in groups:
            remove(group)


def remove(group: Path) -> None:
    """Delete a control group with those in it, as soon as the last process is gone."""
    until = time.monotonic() + 20
    inner = [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]
    for each in inner:
        while each.exists():
            try:
                each.rmdir()
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


def own_mounts(cluster: Cluster) -> None:
    """Mount what has a fixed path, so that nothing is written to this machine."""
    run, folder = cluster.inside.run, cluster.inside.folder
    for path in ("/run", "/var/log"):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
    run("mkdir", "-p", "/run/up", "/run/work", "/run/cni/net.d", "/var/log/pods", "/var/log/containers")
    # Mount points are made in it.
    run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=/var/lib,upperdir=/run/up,workdir=/run/work", "/var/lib")
    for name in ("kubelet", "cni"):
        (folder / name).mkdir()
        run("mkdir", "-p", f"/var/lib/{name}")
        run("mount", "--bind", folder / name, f"/var/lib/{name}")
    run("mkdir", "-p", "/var/lib/containerd")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib/containerd")
    run("mount", "--make-rshared", "/")
    for name, value in SETTINGS.items():
        shown = folder / name.replace("/", "-")
        shown.write_text(f"{value}\n")
        run("mount", "--bind", shown, f"/proc/sys/{name}")
    run("hostname", NAME)
    for setting in ("ipv4/ip_forward", BRIDGED):
        run("tee", f"/proc/sys/net/{setting}", text="1")
    run("tee", "/run/cni/net.d/10-pods.conflist", text=json.dumps(NETWORK))


def start_containerd(cluster: Cluster, images: tuple[Path, ...]) -> None:
    """Start containerd, and give it images."""
    run, folder = cluster.inside.run, cluster.inside.folder
    (folder / "containerd.toml").write_text(CONTAINERD.format(socket=RUNTIME, pause=PAUSE, plugins=PLUGINS))
    cluster.inside.start("containerd", shutil.which("containerd") or "containerd", f"--config={folder}/containerd.toml")
    cluster.eventually("containerd", lambda: "Server:" in run("ctr", "version", rc=None))
    pause = folder / "pause.tar"
    write_program(pause, PAUSE, cluster.binaries.folder / "bin" / "pause")
    for image in (pause, *images):
        run("ctr", "--namespace=k8s.io", "images", "import", image)


def write_program(archive: Path, name: str, program: Path, path: str = "program") -> None:
    """Write an image with one static program, which it runs."""
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(program, path)
    write_image(archive, name, layer, f"/{path}")
    layer.unlink()


def write_image(archive: Path, name: str, layer: Path, *entrypoint: str) -> None:
    """Write an image with the files of an archive."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        tar.add(layer, "layer.tar")
        for path, content in {"config.json": config, "manifest.json": manifest}.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def start_proxy(cluster: Cluster) -> None:
    """Start what translates addresses of services to those of pods."""
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(cluster.kubeconfig)},
        "hostnameOverride": NAME,
        "clusterCIDR": PODS,
        # of the whole machine
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    path = cluster.inside.folder / "kube-proxy.yaml"
    path.write_text(yaml.safe_dump(settings))
    cluster.start("kube-proxy", f"--config={path}")


def start_dns(cluster: Cluster) -> None:
    """Start what resolves the names of services."""
    path = cluster.inside.folder / "Corefile"
    path.write_text(DNS.format(kubeconfig=cluster.kubeconfig))
    cluster.apply([DNS_SERVICE], "kube-system")
    start_pod(cluster, "kube-system", "dns").start("coredns", *cluster.binaries.program("coredns"), "-conf", path)


def start_kubelet(cluster: Cluster, group: str) -> None:
    """Start the kubelet, and wait until the node is ready."""
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{RUNTIME}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": ["none"],
        "protectKernelDefaults": True,
        "makeIPTablesUtilChains": False,
        "oomScoreAdj": 0,
        "volumePluginDir": "/var/lib/kubelet/plugins",
        # by no means for lack of what other programs of this machine use
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS_ADDRESS],
        "nodeStatusUpdateFrequency": "5s",
    }
    path = cluster.inside.folder / "kubelet.yaml"
    path.write_text(yaml.safe_dump(settings))
    cluster.start(
        "kubelet",
        f"--config={path}",
        f"--kubeconfig={cluster.kubeconfig}",
        f"--hostname-override={NAME}",
        f"--node-ip={NODE}",
    )
    ready = ("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=5s")
    cluster.eventually("a node", lambda: "condition met" in cluster.kubectl(*ready, rc=None))


def start_pod(cluster: Cluster, namespace: str, name: str) -> Namespaces:
    """Start a pod that does nothing, in whose network programs can run, and return the namespaces with that network."""
    container = {
        "name": "pause",
        "image": PAUSE,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}
    cluster.eventually("a namespace's account", lambda: cluster.get("serviceaccount", "default", namespace))
    cluster.apply([pod], namespace)

    def address() -> str:
        return (cluster.get("pod", name, namespace) or {})["status"].get("podIP", "")

    return cluster.inside.of_pod(cluster.eventually(f"the pod {name}", address))
