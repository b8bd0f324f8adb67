# Managed by copier-mlops: an update merges with your edits.
"""Adds what a run cost to its metrics in MLflow."""

import mlflow

from ...core.cost import TrainingCost
from . import Run


def log(_: Run, run_id: str) -> None:
    """Log what the registration check `budget` measured."""
    if cost := TrainingCost.read():
        figures = {"cost_used": cost.used, "cost_rented": cost.rented, "cost_charged": cost.charged}
        figures |= {f"cost_{name}": value for name, value in cost.usage.model_dump().items()}
        mlflow.log_metrics(figures, run_id=run_id)
