"""Argo Rollouts, which replaces pods gradually."""

from harness.cluster.cluster import Cluster


def start_rollouts(cluster: Cluster) -> None:
    """Start the controller outside of the cluster's nodes."""
    cluster.define("argo-rollouts")
    cluster.namespace("argo-rollouts")
    cluster.start(
        "rollouts-controller",
        f"--kubeconfig={cluster.kubeconfig}",
        "--namespace=argo-rollouts",
        "--leader-elect=false",
        "--metricsport=8190",
        "--healthzPort=8191",
    )
