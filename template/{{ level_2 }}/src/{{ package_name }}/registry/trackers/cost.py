# Managed by copier-mlops: an update merges with your edits.
"""Adds what a run and its predictions cost to the metrics of the run in MLflow."""

import mlflow

from ...core.cost import RunCost
from . import Run


def log(_: Run, run_id: str) -> None:
    """Log what the registration check `budget` measured."""
    if cost := RunCost.read():
        figures = {"used": cost.used, "rented": cost.rented, "charged": cost.charged, **cost.usage.model_dump()}
        figures |= {f"predictions_{name}": value for name, value in cost.thousand_predictions.model_dump().items()}
        mlflow.log_metrics({f"cost_{name}": value for name, value in figures.items()}, run_id=run_id)
