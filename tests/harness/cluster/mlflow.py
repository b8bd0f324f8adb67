"""An MLflow server where the project's manifests expect it: in a pod, at http://mlflow.mlflow.svc:5000 for others."""

from harness.cluster.cluster import Cluster
from harness.cluster.node import start_pod
from harness.kube import Manifest
from harness.template import Project

HOST, PORT = "10.0.0.11", 5000  # the address is one of SERVICES
ADDRESS = f"http://{HOST}:{PORT}"  # for all that runs on the node itself, which has no DNS
SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "mlflow", "namespace": "mlflow"},
    "spec": {"clusterIP": HOST, "selector": {"app": "mlflow"}, "ports": [{"port": PORT, "name": "http"}]},
}


def start_mlflow(cluster: Cluster, project: Project) -> None:
    """Start a server without models, from the environment of a project, and make it a service of the cluster."""
    folder = cluster.inside.folder / "mlflow"
    folder.mkdir()
    cluster.apply([SERVICE], cluster.namespace("mlflow"))
    start_pod(cluster, "mlflow", "mlflow").start(
        "mlflow",
        *("env", f"--chdir={folder}", project.path / ".venv/bin/python", "-m", "mlflow", "server", "--workers=1"),
        *("--backend-store-uri=sqlite:///mlflow.db", "--host=0.0.0.0", f"--port={PORT}", "--allowed-hosts=*"),
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        MLFLOW_DISABLE_TELEMETRY="true",
    )
    cluster.eventually("MLflow", lambda: cluster.inside.responds(HOST, PORT, "/health"))
