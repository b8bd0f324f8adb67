# Managed by copier-mlops: an update merges with your edits.
"""The learning curve that a boosting estimator records while it is fitted."""

from typing import Any


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
