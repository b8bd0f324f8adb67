# Managed by copier-mlops: an update merges with your edits.
"""Stores with each run what monitoring compares later: a sample of its features, and its predictions of the test rows."""

import json
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...core.prediction_log import FEATURE, PredictionLog
from ...modeling.data import TARGET, features_and_target
from . import Run

FOLDER = "monitoring"  # among the artifacts of the run
FILE = "reference.parquet"
CLASSES = "classes"  # in the metadata of the file, as JSON; null if the model predicts a number
MAX_ROWS = 50_000


def table(train: pd.DataFrame, test: pd.DataFrame, predictions: pd.DataFrame, classes: list[Any] | None) -> pa.Table:
    """Return the reference of a model: features, and of the test rows `target` and `output` too.

    Predictions are of the test rows: a column for each class, in the order of `classes`, or one with the number.
    """
    test = test.sample(min(len(test), MAX_ROWS // 2), random_state=0)
    train = train.sample(min(len(train), MAX_ROWS - len(test)), random_state=0)
    features = pd.concat([features_and_target(rows)[0] for rows in (test, train)], ignore_index=True)
    features = features.drop(columns=PredictionLog.load().leave_out, errors="ignore")
    frame = features.add_prefix(FEATURE)
    frame["target"] = test[TARGET].reset_index(drop=True).reindex(frame.index)
    output = [*predictions.loc[test.index].to_numpy().tolist()]
    found = pa.Table.from_pandas(frame, preserve_index=False)
    found = found.append_column("output", pa.array(output + [None] * len(train), pa.list_(pa.float64())))
    return found.replace_schema_metadata({**(found.schema.metadata or {}), CLASSES: json.dumps(classes)})


def log(run: Run, run_id: str) -> None:
    """Add the reference to a run in MLflow."""
    predicted = run.predictions.filter(regex="^predicted_")
    classes = np.asarray(run.model.classes_).tolist() if hasattr(run.model, "classes_") else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FILE)
        pq.write_table(table(run.train, run.test, predicted, classes), path, compression="zstd")
        mlflow.MlflowClient().log_artifact(run_id, str(path), FOLDER)
