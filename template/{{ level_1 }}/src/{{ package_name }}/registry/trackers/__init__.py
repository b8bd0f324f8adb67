# Managed by copier-mlops: an update merges with your edits.
"""Additional experiment trackers: each module here has a function `log(run, run_id)`."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...core.discovery import modules
from ...core.inputs import Inputs
from ...core.run_record import RunRecord


@dataclass(frozen=True)
class Run:
    """A trained and evaluated model, to be tracked."""

    record: RunRecord
    metrics: dict[str, float]
    curves: dict[str, list[float]]  # score by iteration of training, by name; empty if the estimator records none
    model: Any
    inputs: Inputs  # the columns that it reads
    features: pd.DataFrame  # of the training rows
    train: pd.DataFrame
    test: pd.DataFrame
    predictions: pd.DataFrame  # of the test rows: entity, target, and the prediction, by class if there are classes


def log(run: Run, run_id: str) -> None:
    """Send a run to all additional trackers; `run_id` is its id in MLflow."""
    for module in modules(__name__):
        module.log(run, run_id)
