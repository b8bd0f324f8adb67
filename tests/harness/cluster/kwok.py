"""A node on which nothing runs: kwok reports it and its pods as ready, so that controllers can be tested alone."""

import yaml

from harness.cluster import namespaces
from harness.cluster.cluster import Cluster

NAME = "node-0"
LABELS = {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "a"}
RESOURCES = {"cpu": 32, "memory": "256Gi", "pods": 110}
PORT = 10247
USED = "kwok.x-k8s.io/usage-cpu"  # an annotation of a pod: how much CPU it seems to use
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": NAME,
        "labels": LABELS,
        "annotations": {
            "kwok.x-k8s.io/node": "fake",
            "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{NAME}/metrics/resource",
        },
    },
    "status": {"allocatable": RESOURCES, "capacity": RESOURCES},
}


def start_kwok(cluster: Cluster) -> None:
    """Add a node, make pods on it ready, and report their use of CPU."""
    keys = cluster.inside.folder / "keys"
    stages = cluster.inside.folder / "stages.yaml"
    stages.write_text("\n---\n".join(path.read_text() for path in cluster.binaries.manifests("kwok")))
    cluster.start(
        "kwok",
        f"--kubeconfig={cluster.kubeconfig}",
        f"--config={stages}",
        "--manage-all-nodes=true",
        f"--node-ip={namespaces.NODE}",
        f"--node-port={PORT}",
        f"--server-address={namespaces.NODE}:{PORT}",
        f"--tls-cert-file={keys}/apiserver.crt",
        f"--tls-private-key-file={keys}/apiserver.key",
    )
    cluster.kubectl("create", "--filename=-", text=yaml.safe_dump(NODE))
    cluster.kubectl("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=60s")
