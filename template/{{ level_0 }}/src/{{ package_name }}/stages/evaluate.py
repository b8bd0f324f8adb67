# Managed by copier-mlops: an update merges with your edits.
"""Measure the model on the test rows."""

from typing import Any

import pandas as pd
from sklearn.inspection import permutation_importance

from .. import files
from ..config import load_params
from ..data import SLICES, TARGET, VALUE, features_and_target
from ..drawing import draw_importance
from ..figures import draw
from ..files import read_model, read_table, write_json
from ..gate import shortfalls
from ..metrics import SCORING, baseline, performance, predict
from ..model import business_kpi

IMPORTANCE_ROWS = 2_000


def main() -> None:
    """Write metrics, metrics by slice, and figures; print the metrics."""
    params, model, test = load_params(), read_model(), read_table(files.TEST)
    features, target = features_and_target(test)
    prediction = predict(model, features)
    metrics = {
        **performance(target, prediction),
        **business_kpi(target, prediction, test[VALUE], params.business),
        **baseline(read_table(files.TRAIN, columns=[TARGET])[TARGET], target),
    }
    write_json(metrics, files.METRICS)
    write_json(by_slice(test, target, prediction), files.SLICES)
    draw(target, prediction)
    draw_importance(importance(model, features, target, params.seed), SCORING)
    for name, value in metrics.items():
        print(f"  {name:24} {value:10.4f}")
    for line in shortfalls(metrics, params.gate):
        print(f"  not good enough: {line}")


def by_slice(test: pd.DataFrame, target: pd.Series, prediction: Any) -> list[dict[str, Any]]:
    """Return the metrics for each group of rows in the columns of `data.SLICES`, smallest groups included."""
    return [
        {
            "column": column,
            "group": str(group),
            "rows": len(rows),
            "metrics": performance(target.loc[rows.index], prediction.loc[rows.index]),
        }
        for column in SLICES
        for group, rows in test.groupby(column, dropna=False, observed=True)
    ]


def importance(model: Any, features: pd.DataFrame, target: pd.Series, seed: int) -> pd.Series:
    """Return the loss in `metrics.SCORING` when a feature is shuffled, by feature, measured on some of the rows."""
    rows = features.sample(min(len(features), IMPORTANCE_ROWS), random_state=seed)
    loss = permutation_importance(model, rows, target.loc[rows.index], scoring=SCORING, n_repeats=3, random_state=seed)
    return pd.Series(loss["importances_mean"], index=features.columns)
