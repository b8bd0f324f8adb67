# Managed by copier-mlops: an update merges with your edits.
"""Predicts the rows of a file: `poe predict FILE`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write, read_model, require
from ..modeling.data import ENTITY, KNOWN_LATER, TIMESTAMP
from .metrics import predict

READERS: dict[str, Callable[..., pd.DataFrame]] = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="poe predict", description="Predict the rows of a file.")
    found.add_argument(
        "file", type=Path, help="CSV or Parquet with the columns of the raw data; the target may be there"
    )
    found.add_argument("--output", type=Path, metavar="FILE", help="default: FILE_predictions in the same folder")
    return found


def predict_file(model: Any, path: Path, output: Path | None) -> str:
    """Write a prediction for each row of a file and return a message.

    Raises:
        UserError: the file is missing, is neither CSV nor Parquet, or lacks columns of the model.
    """
    output = output or path.with_stem(f"{path.stem}_predictions")
    for each in (path, output):
        if each.suffix not in READERS:
            raise UserError(f"{each}: write .csv or .parquet at the end of its name")
    rows = READERS[path.suffix](require(path, made_by=None))
    predictions = predictions_of(model, rows)
    with atomic_write(output) as temporary:
        if output.suffix == ".csv":
            predictions.to_csv(temporary, index=False)
        else:
            predictions.to_parquet(temporary, index=False)
    return f"{output}: {len(predictions)} predictions"


def predictions_of(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Return entity and time, if the rows have them, and the prediction; for classes also the probability of each.

    Raises:
        UserError: a column that the model needs is missing.
    """
    features = rows.drop(columns=[ENTITY, TIMESTAMP, *KNOWN_LATER], errors="ignore")
    if missing := [name for name in getattr(model, "feature_names_in_", []) if name not in features]:
        raise UserError(f"the model needs the column {missing[0]}, and the file does not have it")
    predicted = predict(model, features)
    keys = rows[[name for name in (ENTITY, TIMESTAMP) if name in rows]]
    if isinstance(predicted, pd.Series):
        return keys.assign(prediction=predicted)
    return keys.assign(prediction=predicted.idxmax(axis="columns")).join(predicted.add_prefix("probability_"))


def main() -> None:
    """Predict with the model that was trained last."""
    arguments = parser().parse_args()
    with exit_on_user_error("predict"):
        print(predict_file(read_model(), arguments.file, arguments.output))


if __name__ == "__main__":
    main()
