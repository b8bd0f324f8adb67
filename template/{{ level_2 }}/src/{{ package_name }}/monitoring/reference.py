# Managed by copier-mlops: an update merges with your edits.
"""What a version of the model is compared with: the data that it was made from, and its predictions of the test rows."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.exceptions import MlflowException

from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.io import read_model, read_table
from ..core.lineage import dvc_hash
from ..core.paths import MODEL, TEST, TRAIN
from ..core.prediction_log import PredictionLog
from ..modeling.data import features_and_target
from ..pipeline.metrics import predict
from ..registry.client import connected, find
from ..registry.trackers.monitoring_reference import CLASSES, FILE, FOLDER, table
from .prediction_log import features


@dataclass(frozen=True)
class Reference:
    """The reference of a version."""

    features: pd.DataFrame  # a sample of the training and test rows
    target: pd.Series  # of the test rows
    output: pd.Series  # of the test rows: the probability of each class, or the number, as a list
    classes: list[Any] | None  # None if the model predicts a number

    @classmethod
    def of(cls, stored: pa.Table) -> "Reference":
        """Return the reference that `monitoring_reference.table` made."""
        frame = stored.to_pandas()
        tested = frame[frame["output"].notna()]
        classes = json.loads((stored.schema.metadata or {})[CLASSES.encode()])
        target = tested["target"].astype(type(classes[0]) if classes else float)
        left_out = PredictionLog.load().leave_out  # more, perhaps, than at the registration
        return cls(features(frame).drop(columns=left_out, errors="ignore"), target, tested["output"], classes)


def load(model: str, version: str) -> Reference:
    """Return the reference of a registered version.

    Raises:
        UserError: it was registered before level 2, and this folder does not hold its data either.
    """
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with connected():
        found = find(mlflow.MlflowClient(), model, version)
        with tempfile.TemporaryDirectory() as folder:
            try:
                uri = f"runs:/{found.run_id}/{FOLDER}/{FILE}"
                path = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
                return Reference.of(pq.read_table(path))
            except (MlflowException, OSError):  # there is no such artifact
                return _from_folder(model, version, found.tags)


def _from_folder(model: str, version: str, tags: dict[str, str]) -> Reference:
    """Return the reference of a version from the data and model in this folder, if it is that model."""
    if not MODEL.exists() or tags.get("model_md5") != dvc_hash(MODEL):
        raise UserError(
            f"{model} {version} was registered before level 2, so there is nothing to compare with: check out its commit"
            " (`poe lineage --version N`) and `poe pull`, or promote a newer version"
        )
    train, test, trained = read_table(TRAIN), read_table(TEST), read_model()
    predicted = predict(trained, Inputs.read().from_table(features_and_target(test)[0]))
    frame = predicted.to_frame() if isinstance(predicted, pd.Series) else predicted
    classes = None if isinstance(predicted, pd.Series) else trained.classes_.tolist()
    return Reference.of(table(train, test, frame, classes))
