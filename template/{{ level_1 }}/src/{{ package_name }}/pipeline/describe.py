# Managed by copier-mlops: an update merges with your edits.
"""Describes a trained model and its data for report, model card and pull request comment."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ..core.lineage import Lineage
from ..core.paths import MODEL
from ..core.run_record import Champion, RunRecord
from ..modeling.data import TIMESTAMP, features_and_target
from ..modeling.params import Params
from ..registry.client import Tracking


def describe_run(
    tracking: Tracking,
    params: Params,
    model: Any,
    train: pd.DataFrame,
    test: pd.DataFrame,
    shortfalls: list[str],
    champion: Champion | None = None,
) -> RunRecord:
    """Return the record of a run that is neither tracked nor registered yet."""
    features, _ = features_and_target(train)
    times = pd.concat([train[TIMESTAMP], test[TIMESTAMP]])
    estimator = type(model[-1])
    return RunRecord(
        **Lineage.collect().model_dump(),
        model=tracking.model,
        purpose=tracking.purpose,
        shortfalls=shortfalls,
        champion=champion,
        parameters=params.model_dump(mode="json"),
        trained=datetime.fromtimestamp(MODEL.stat().st_mtime, UTC).date(),
        estimator=estimator.__name__,
        library=estimator.__module__.partition(".")[0],
        features={str(name): str(dtype) for name, dtype in features.dtypes.items()},
        missing={str(name): float(share) for name, share in features.isna().mean().items() if share},
        train_rows=len(train),
        test_rows=len(test),
        first_day=times.min().date(),
        last_day=times.max().date(),
        trained_until=train[TIMESTAMP].max().to_pydatetime(),
    )


def learning_curves(model: Any) -> dict[str, list[float]]:
    """Return the score by iteration, by name; empty if the last step of the model recorded none.

    XGBoost records it for each `eval_set`, scikit-learn's histogram gradient boosting with `early_stopping`.
    """
    estimator = model[-1]
    curves = {
        f"{rows}_{metric}": list(values)
        for rows, metrics in getattr(estimator, "evals_result_", {}).items()
        for metric, values in metrics.items()
    }
    for name in ("train_score", "validation_score"):
        curves[name] = [float(value) for value in getattr(estimator, f"{name}_", [])]
    return {f"by_iteration/{name}": values for name, values in curves.items() if values}
