# Managed by copier-mlops: an update merges with your edits.
"""Versions with a fault: the project's model, registered again so that it fails, is slow, or predicts something else."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ...core.inputs import Inputs
from ...core.io import read_model, read_table
from ...core.paths import TRAIN
from ...modeling.data import features_and_target
from ...registry import runs
from ...registry.client import CHALLENGER, Tracking
from ...registry.preparation import prepare

SLOW = 0.05  # share of the predictions


class Faulty(BaseEstimator):
    """A model with a fault.

    Args:
        model: that predicts.
        errors: share of the predictions that raise.
        seconds: that one in twenty predictions takes longer; the others wait meanwhile.
        shifted: a prediction is near the last class, or twice the number.
        switch: path of a file; without the file, the model has no fault.
    """

    def __init__(
        self, model: Any, errors: float = 0, seconds: float = 0, shifted: bool = False, switch: str = ""
    ) -> None:
        self.model, self.errors, self.seconds, self.shifted = model, errors, seconds, shifted
        self.switch, self.calls = switch, 0
        if hasattr(model, "classes_"):
            self.classes_ = model.classes_

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return classes or numbers, shape (rows,)."""
        found = self.model.predict(frame)
        return found if hasattr(self, "classes_") else found * (2 if self._fault() else 1)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return probabilities, shape (rows, classes)."""
        found = self.model.predict_proba(frame)
        if self._fault():
            found = (found + np.eye(found.shape[1])[-1]) / 2
        return found

    def _fault(self) -> bool:
        """Raise, wait, or return whether to shift the prediction."""
        if self.switch and not Path(self.switch).exists():
            return False
        self.calls += 1
        time.sleep(self.seconds if self._hits(SLOW) else 0)
        if self._hits(self.errors):
            raise RuntimeError("a drill has planted this error")
        return self.shifted

    def _hits(self, share: float) -> bool:
        """Return whether this call is among a share of all calls, which are evenly spaced."""
        return int(self.calls * share) > int((self.calls - 1) * share)


def register(alias: str = CHALLENGER, ready: bool = True, **fault: Any) -> str:
    """Register the project's model with a fault of `Faulty`, give the version an alias, and return its number.

    One that is not `ready` cannot be loaded.
    """
    tracking, inputs = Tracking.load(), Inputs.read()
    with runs.experiment(tracking):
        with mlflow.start_run():
            features = features_and_target(read_table(TRAIN))[0]
            logged = runs.log_model(Faulty(read_model(), **fault), inputs, features)
        tags = prepare(logged)
        if not ready:
            for path in Path(urlsplit(logged.artifact_path).path).glob("model.*"):
                path.unlink()
        version = str(runs.register(tracking.model, logged, {}, [], tags))
        mlflow.MlflowClient().set_registered_model_alias(tracking.model, alias, version)
    return version
