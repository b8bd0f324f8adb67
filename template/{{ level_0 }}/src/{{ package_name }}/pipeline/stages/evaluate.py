# Managed by copier-mlops: an update merges with your edits.
"""Evaluate the model on the test rows."""

import math
from typing import Any

import pandas as pd
from sklearn.inspection import permutation_importance

from ...core import paths
from ...core.column_types import group_name
from ...core.errors import UserError
from ...core.inputs import Inputs
from ...core.io import read_json, read_model, read_table, write_json
from ...modeling.data import SLICES, TARGET, features_and_target
from ..evaluation import evaluate
from ..figures import plot_importance
from ..gate import shortfalls
from ..metrics import performance, predict, score
from ..params import load_params
from ..plots import plot

IMPORTANCE_ROWS = 2_000
SHUFFLES, MANY_COLUMNS = 3, 100  # of a column; one where there are more columns, which would take minutes


def main() -> None:
    """Write metrics, metrics by slice, and figures; print the metrics, and how they changed since the run before.

    Raises:
        UserError: a metric is not a finite number, or the test rows have a class that the training rows lack.
    """
    params, model, test = load_params(), read_model(), read_table(paths.TEST)
    features, target = features_and_target(test)
    features = Inputs.read().from_table(features)
    prediction = predict(model, features)
    metrics = evaluate(prediction, read_table(paths.TRAIN, columns=[TARGET]), test, params)
    if undefined := [name for name, value in metrics.items() if not math.isfinite(value)]:
        raise UserError(f"{undefined[0]} is {metrics[undefined[0]]} on these test rows: see business_kpi in model.py")
    before = read_json(paths.METRICS) if paths.METRICS.exists() else {}
    write_json(metrics, paths.METRICS)
    write_json(by_slice(test, target, prediction), paths.SLICES)
    plot(target, prediction)
    plot_importance(importance(model, features, target, params.seed))
    print("\n".join(comparison(metrics, before)))
    for line in shortfalls(metrics, params.gate):
        print(f"  failed the quality gate: {line}")


def comparison(metrics: dict[str, float], before: dict[str, float]) -> list[str]:
    """Return one line for each metric, with its change since the run before if there was one."""
    lines = []
    for name, value in metrics.items():
        change = f"  {value - before[name]:+10.4f} since the run before" if name in before else ""
        lines.append(f"  {name:24} {value:10.4f}{change}")
    return lines


def by_slice(test: pd.DataFrame, target: pd.Series, prediction: Any) -> list[dict[str, Any]]:
    """Return the metrics of each group of rows in the columns of `data.SLICES`, however small."""
    return [
        {
            "column": column,
            "group": group_name(group),
            "rows": len(rows),
            "metrics": performance(target.loc[rows.index], prediction.loc[rows.index]),
        }
        for column in SLICES
        for group, rows in test.groupby(column, dropna=False, observed=True)
    ]


def importance(model: Any, features: pd.DataFrame, target: pd.Series, seed: int) -> pd.Series:
    """Return by how much `metrics.score` falls, by feature, when it is shuffled, measured on a sample of the rows."""
    rows = features.sample(min(len(features), IMPORTANCE_ROWS), random_state=seed)
    shuffles = SHUFFLES if features.shape[1] <= MANY_COLUMNS else 1
    loss = permutation_importance(
        model, rows, target.loc[rows.index], scoring=score, n_repeats=shuffles, random_state=seed
    )
    return pd.Series(loss["importances_mean"], index=features.columns)
