# Managed by copier-mlops: an update merges with your edits.
"""Metrics of a regressor."""

from typing import Any

import pandas as pd

from ..core.column_types import example, kind_of
from ..core.errors import UserError

SCORING = "RMSE"  # what `score` measures


def checked_target(target: pd.Series) -> pd.Series:
    """Return a target column if it holds numbers.

    Raises:
        UserError: it does not hold numbers.
    """
    if kind_of(target) != "numbers":
        raise UserError(f"{target.name}: a regression predicts numbers, found {example(target)}")
    return target


def predict(model: Any, features: pd.DataFrame) -> pd.Series:
    """Return the predicted target, shape (rows,)."""
    return as_prediction(model.predict(features), None, features)


def as_prediction(values: Any, classes: list[Any] | None, features: pd.DataFrame) -> pd.Series:
    """Return predicted values as `predict` does."""
    return pd.Series(values, index=features.index)


def score(model: Any, features: pd.DataFrame, target: pd.Series) -> float:
    """Return the negative root mean squared error."""
    from sklearn.metrics import root_mean_squared_error  # here: `checked_target`, in this module too, does without

    return -float(root_mean_squared_error(target, predict(model, features)))


def performance(target: pd.Series, prediction: pd.Series) -> dict[str, float]:
    """Return the metrics of a prediction; errors are in the unit of the target.

    R² is left out for fewer than two rows, where it is undefined.
    """
    from sklearn import metrics

    measured = {
        "rmse": metrics.root_mean_squared_error(target, prediction),
        "mae": metrics.mean_absolute_error(target, prediction),
        "median_absolute_error": metrics.median_absolute_error(target, prediction),
        "bias": (prediction - target).mean(),
    }
    if len(target) > 1:
        measured["r2"] = metrics.r2_score(target, prediction)
    return {name: float(value) for name, value in measured.items()}


def baseline(train_target: pd.Series, target: pd.Series) -> dict[str, float]:
    """Return the error of always predicting the mean."""
    prediction = constant_prediction(train_target, target.index)
    return {"baseline_rmse": performance(target, prediction)["rmse"]}


def constant_prediction(train_target: pd.Series, index: pd.Index) -> pd.Series:
    """Return the mean of the target for all rows of `index`."""
    return pd.Series(float(train_target.mean()), index=index)
