# Managed by copier-mlops: an update merges with your edits.
"""Compares a new model with the champion."""

import mlflow
import pandas as pd

from .data import features_and_target
from .errors import UserError
from .metrics import performance, predict
from .registry import champion, load_governance


def behind_champion(model: str, metrics: dict[str, float], test: pd.DataFrame) -> list[str]:
    """Return a line for each metric of `governance.yaml` in which the champion is better on the same test rows.

    Before the first champion there is none; nor is there if the champion cannot read these columns, which is printed.

    Args:
        model: name in the registry.
        metrics: value by name, of the new model on `test`.
        test: rows with features and target.

    Raises:
        UserError: `governance.yaml` names a metric that there is not.
    """
    version = champion(mlflow.MlflowClient(), model)
    if version is None:
        return []
    features, target = features_and_target(test)
    try:
        best = performance(target, predict(mlflow.sklearn.load_model(f"models:/{model}/{version}"), features))
    except (KeyError, ValueError) as error:
        print(f"  not compared with champion {version}, which cannot read these columns: {error}")
        return []
    lines = []
    for name, tolerance in load_governance().compare.items():
        if name not in best:
            raise UserError(f"governance.yaml: compare.{name}: no metric is called {name}; there are {', '.join(best)}")
        if metrics[name] < best[name] - tolerance:
            lines.append(f"{name} {metrics[name]:.4g} is worse than that of champion {version}, {best[name]:.4g}")
    return lines
