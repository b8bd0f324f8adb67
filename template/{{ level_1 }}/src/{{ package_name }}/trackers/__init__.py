# Managed by copier-mlops: an update merges with your edits.
"""Who hears of a run besides MLflow: each module here has a function `log(run, run_id)`."""

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd

from ..params import Params


@dataclass(frozen=True)
class Run:
    """What there is to tell of a run."""

    model_name: str
    purpose: str
    params: Params
    sources: dict[str, str]  # what it was made from
    metrics: dict[str, float]
    rounds: dict[int, dict[str, float]]  # metrics after so many rounds of training
    model: Any
    train: pd.DataFrame
    test: pd.DataFrame


def log(run: Run, run_id: str) -> None:
    """Tell all that there are of a run, which MLflow has as `run_id`."""
    for found in pkgutil.iter_modules(__path__):
        import_module(f".{found.name}", __name__).log(run, run_id)
