# Managed by copier-mlops: an update merges with your edits.
"""Predicts as the server does: rows become JSON, which goes through the server's own validation and predictors."""

import json
from collections.abc import Iterator
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.run_record import Champion
from ..modeling.data import features_and_target
from ..registry import client
from ..serving.loader import LoadedModel, load
from ..serving.schema import RequestError
from .metrics import as_prediction, performance, predict

PROBES = 5  # rows for each column that may be missing, and for each text
CHUNK = 5_000  # rows that are JSON at a time
TOLERANCES = {"native": 1e-6, "onnx": 1e-5}  # absolute for a probability, relative to the mean prediction for a number


def predict_served(loaded: LoadedModel, table: pd.DataFrame) -> np.ndarray:
    """Return what the server predicts for the rows of a table.

    Raises:
        UserError: a column is absent or of another type, or the server refuses a row.
    """
    try:
        return np.concatenate([loaded.predictor.predict(columns) for columns in _requests(loaded, table)])
    except RequestError as error:
        raise UserError(f"the server refuses a row: {error}") from error


def measured_champion(model: str, test: pd.DataFrame) -> Champion | None:
    """Return the champion and its metrics on the test rows, which it predicts as the server does.

    None before the first promotion, or if the champion cannot be loaded or predict these rows (which is printed).
    """
    version = client.champion(mlflow.MlflowClient(), model)
    if version is None:
        return None
    features, target = features_and_target(test)
    try:
        loaded = load(model, version)
        predicted = predict_served(loaded, features)
        metrics = performance(target, as_prediction(predicted, loaded.predictor.classes, features))
    except (UserError, KeyError, ValueError) as error:
        print(f"  not compared with champion {version}: {error}")
        return None
    return Champion(version=version, metrics=metrics)


def difference(model: Any, inputs: Inputs, loaded: LoadedModel, test: pd.DataFrame) -> str | None:
    """Return in which way the server predicts differently from the trained model, or None.

    Compared are all test rows, rows in which each column is missing that may be, and rows with an unknown text.

    Args:
        model: the trained model.
        inputs: its columns.
        loaded: the same model, as the server loads it.
        test: feature columns of the test rows.
    """
    probes = [*_probes(inputs, test.head(PROBES))]
    rows = pd.concat([test, *(probe for _, probe in probes)], ignore_index=True)
    expected, found = predict(model, inputs.from_table(rows)).to_numpy(), predict_served(loaded, rows)
    scale = 1.0 if expected.ndim == 2 else max(1.0, float(np.abs(expected).mean()))
    off = np.abs(expected - found).reshape(len(rows), -1).max(axis=1) / scale
    if not off.max() <= TOLERANCES[loaded.predictor.path]:
        probe = (int(off.argmax()) - len(test)) // min(PROBES, len(test))  # negative if a test row differs most
        where = f" where {probes[probe][0]} is missing or unknown" if probe >= 0 else ""
        return f"predictions differ by up to {off.max():.2g}{where}"
    if expected.ndim == 2 and (other := int((expected.argmax(axis=1) != found.argmax(axis=1)).sum())):
        return f"the class differs for {other} rows"
    return None


def _requests(loaded: LoadedModel, table: pd.DataFrame) -> Iterator[Any]:
    for start in range(0, len(table), CHUNK):
        rows = loaded.inputs.inputs.to_rows(table.iloc[start : start + CHUNK])
        yield loaded.inputs.of_rows(json.dumps({"rows": rows}).encode(), CHUNK)


def _probes(inputs: Inputs, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for column in inputs.columns:
        if not column.required:
            yield column.name, rows.assign(**{column.name: None})
        if column.type == "string":
            yield column.name, rows.assign(**{column.name: "a text that is not in the training data"})
