# Managed by copier-mlops: an update merges with your edits.
"""Predicts the rows of a file: `poe predict FILE`."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import atomic_write, read_file, read_model
from ..core.paths import user_path
from ..modeling.data import ENTITY, TIMESTAMP
from .metrics import predict

FORMATS = (".csv", ".parquet")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="poe predict", description="Predict the rows of a file.")
    found.add_argument(
        "file", type=user_path, help="CSV or Parquet with the columns of the raw data; the target may be there"
    )
    found.add_argument("--output", type=user_path, metavar="FILE", help="default: FILE_predictions in the same folder")
    return found


def predict_file(model: Any, inputs: Inputs, path: Path, output: Path | None, version: str | None = None) -> str:
    """Write a prediction for each row of a file, with the version that made it if it has one, and return a message.

    Raises:
        UserError: the file is missing, cannot be read as CSV or Parquet, or a column is not as the model needs it.
    """
    output = output or path.with_stem(f"{path.stem}_predictions")
    for each in (path, output):
        if each.suffix not in FORMATS:
            raise UserError(f"{each}: write .csv or .parquet at the end of its name")
    if not path.exists():
        raise UserError(f"{path} is missing")
    rows = read_rows(path, inputs)
    try:
        predictions = predictions_of(model, inputs, rows)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    predictions = predictions.assign(version=version) if version else predictions
    with atomic_write(output) as temporary:
        if output.suffix == ".csv":
            predictions.to_csv(temporary, index=False)
        else:
            predictions.to_parquet(temporary, index=False)
    return f"{output}: {len(predictions)} predictions" + (f" of version {version}" if version else "")


def read_rows(path: Path, inputs: Inputs) -> pd.DataFrame:
    """Return the rows of a file; columns that are text to the model are read as such.

    So is the entity in CSV, unless all of them are numbers as Python writes them: `0042` stays what it is.
    """
    texts = {column.name: not column.required for column in inputs.columns if column.type == "string"}
    rows = read_file(path, {ENTITY: True} | texts)
    if path.suffix == ".csv" and ENTITY in rows and ENTITY not in texts:
        numbers = pd.to_numeric(rows[ENTITY], errors="coerce")
        if numbers.astype("str").equals(rows[ENTITY]):
            rows[ENTITY] = numbers
    return rows


def predictions_of(model: Any, inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame:
    """Return entity and time, if the rows have them, and the prediction; for classes also the probability of each."""
    predicted = predict(model, inputs.from_table(rows))
    keys = rows[[name for name in (ENTITY, TIMESTAMP) if name in rows]]
    if isinstance(predicted, pd.Series):
        return keys.assign(prediction=predicted)
    return keys.assign(prediction=predicted.idxmax(axis="columns")).join(predicted.add_prefix("probability_"))


def main() -> None:
    """Predict with the model that was trained last."""
    arguments = parser().parse_args()
    with exit_on_user_error("predict"):
        print(predict_file(read_model(), Inputs.read(), arguments.file, arguments.output))


if __name__ == "__main__":
    main()
