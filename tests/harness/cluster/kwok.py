"""A node on which nothing runs: kwok reports it and its pods as ready, so that controllers can be tested alone."""

import json
from itertools import count
from pathlib import Path

import yaml

from harness.cluster import namespaces
from harness.cluster.cluster import Cluster

NAME = "node-0"
LABELS = {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": "a"}
RESOURCES = {"cpu": 256, "memory": "1Ti", "pods": 500}
PORT = 10247
USED = "kwok.x-k8s.io/usage-cpu"  # an annotation of a pod: how much CPU it seems to use
UNREADY = "kwok.x-k8s.io/unready"  # an annotation of a pod that never becomes ready
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
    stages.write_text("\n---\n".join(stage(path) for path in cluster.binaries.manifests("kwok")))
    kwok = cluster.start(
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
    looks = count()

    def ready() -> bool:
        """Change the node now and then: kwok tries most writes that fail only once, until it sees another change."""
        if (look := next(looks)) % 20 == 19:
            cluster.kubectl("annotate", "node", NAME, "--overwrite", f"looked={look}")
        conditions = (cluster.get("node", NAME, "default") or {})["status"].get("conditions", [])
        return any({"type": "Ready", "status": "True"}.items() <= each.items() for each in conditions)

    cluster.eventually("a ready node", ready, kwok)


def stage(path: Path) -> str:
    """Return how objects of a kind proceed; of pods, those that are to stay unready do not become ready."""
    text = path.read_text()
    if path.name != "pod-ready.yaml":
        return text
    ready = yaml.safe_load(text)
    unready = {"key": f'.metadata.annotations["{UNREADY}"]', "operator": "DoesNotExist"}
    ready["spec"]["selector"]["matchExpressions"].append(unready)
    return json.dumps(ready)
