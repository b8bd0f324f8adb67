# Managed by copier-mlops: an update merges with your edits.
"""Adds to the run what the server needs to explain its model: what the registration check `explanations` wrote."""

from mlflow import MlflowClient

from ...core.explanations import REPORT
from . import Run


def log(_: Run, run_id: str) -> None:
    """Log the report."""
    MlflowClient().log_artifact(run_id, str(REPORT))
