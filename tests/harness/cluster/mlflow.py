"""An MLflow server where the project's manifests expect it: at http://mlflow.mlflow.svc:5000 for pods."""

from harness.cluster.cluster import Cluster, on_the_node
from harness.cluster.namespaces import NODE
from harness.template import Project

ADDRESS = f"http://{NODE}:5000"  # for all that runs on the node itself


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
    cluster.apply(on_the_node("mlflow", "mlflow", 5000, 5000), "mlflow")
    cluster.eventually("MLflow", lambda: cluster.inside.responds(NODE, 5000, "/health"))
