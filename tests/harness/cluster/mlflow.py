"""An MLflow server where the project's manifests expect it: at http://mlflow.mlflow.svc:5000 for pods."""

from harness.cluster.cluster import Cluster
from harness.cluster.namespaces import NODE
from harness.kube import Manifest
from harness.template import Project

ADDRESS = f"http://{NODE}:5000"  # for all that runs on the node itself
NAME = {"name": "mlflow", "namespace": "mlflow"}
SERVICE: list[Manifest] = [
    {"apiVersion": "v1", "kind": "Service", "metadata": NAME, "spec": {"ports": [{"port": 5000, "name": "http"}]}},
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**NAME, "labels": {"kubernetes.io/service-name": "mlflow"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}],
        "endpoints": [{"addresses": [NODE], "conditions": {"ready": True}}],
    },
]


def start_mlflow(cluster: Cluster, project: Project) -> None:
    """Start a server without models, from the environment of a project, and make it a service of the cluster."""
    folder = cluster.inside.folder / "mlflow"
    folder.mkdir()
    cluster.inside.start(
        "mlflow",
        *("env", f"--chdir={folder}", project.path / ".venv/bin/python", "-m", "mlflow", "server", "--workers=1"),
        *("--backend-store-uri=sqlite:///mlflow.db", f"--host={NODE}", "--port=5000", "--allowed-hosts=*"),
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        MLFLOW_DISABLE_TELEMETRY="true",
    )
    cluster.namespace("mlflow")
    cluster.apply(SERVICE, "mlflow")
    cluster.eventually("MLflow", lambda: healthy(cluster))


def healthy(cluster: Cluster) -> bool:
    """Return whether the server responds."""
    try:
        connection = cluster.inside.connect(NODE, 5000)
    except OSError:
        return False
    connection.request("GET", "/health")
    return connection.getresponse().status == 200
