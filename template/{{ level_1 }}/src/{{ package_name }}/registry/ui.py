# Managed by copier-mlops: an update merges with your edits.
"""Opens MLflow on runs and versions: `poe ui`."""

import argparse
import os
import sys

import mlflow

from ..core.errors import exit_on_user_error
from .client import Tracking, connected


def links(address: str, tracking: Tracking) -> list[str]:
    """Return the addresses of the experiment of the current purpose, if it has a run, and of the model."""
    view = "?workflowType=machine_learning"  # without it, MLflow opens its pages for language models
    experiment = mlflow.get_experiment_by_name(f"{tracking.model}/{tracking.purpose}")
    runs = [f"runs:  {address}/#/experiments/{experiment.experiment_id}/runs{view}"] if experiment else []
    return [*runs, f"model: {address}/#/models/{tracking.model}{view}"]


def main() -> None:
    """Print where runs and model are, and serve MLflow's pages unless a tracking server does."""
    parser = argparse.ArgumentParser(prog="poe ui", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 accepts connections from other machines")
    parser.add_argument("--port", default="5000")
    arguments = parser.parse_args()
    with exit_on_user_error("ui"), connected():
        store = mlflow.get_tracking_uri()
        address = store if store.startswith("http") else f"http://{arguments.host}:{arguments.port}"
        print("\n".join(links(address, Tracking.load())), flush=True)
    if store.startswith("http"):
        return
    place = ["--backend-store-uri", store, "--host", arguments.host, "--port", arguments.port]
    os.environ["PYTHONWARNINGS"] = "ignore"
    # Replaces this process, so that a signal ends the server. One worker: the pages are for one person.
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *place, "--workers", "1"])


if __name__ == "__main__":
    main()
