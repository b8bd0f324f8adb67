"""The metrics that autoscalers read: a real metrics server, which reads them from nodes."""

from harness.cluster.cluster import Cluster, on_the_node
from harness.cluster.namespaces import NODE
from harness.kube import Manifest

RESOLUTION_SECONDS = 10
EXTENSION: Manifest = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
    "spec": {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    },
}


def start_metrics_server(cluster: Cluster) -> None:
    """Start a metrics server as an extension of the API."""
    cluster.start(
        "metrics-server",
        f"--kubeconfig={cluster.kubeconfig}",
        f"--authentication-kubeconfig={cluster.kubeconfig}",
        f"--authorization-kubeconfig={cluster.kubeconfig}",
        "--secure-port=4443",
        f"--bind-address={NODE}",
        f"--cert-dir={cluster.inside.folder}/metrics",
        "--kubelet-insecure-tls",
        "--kubelet-use-node-status-port",
        "--kubelet-preferred-address-types=InternalIP",
        f"--metric-resolution={RESOLUTION_SECONDS}s",
        f"--kubelet-request-timeout={RESOLUTION_SECONDS // 2}s",
    )
    cluster.apply([EXTENSION, *on_the_node("metrics-server", "kube-system", 443, 4443)], "kube-system")
