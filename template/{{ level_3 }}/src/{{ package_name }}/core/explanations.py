# Managed by copier-mlops: an update merges with your edits.
"""Contributions of the input columns to a prediction: exact for XGBoost and for linear models.

XGBoost computes SHAP values of its trees (Lundberg et al. 2020, "From local explanations to global understanding with
explainable AI for trees"); those of a linear model are coefficient times distance from the mean, if columns are independent.
"""

from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from .errors import UserError
from .paths import REPORTS

REPORT = REPORTS / "explanations.json"
XGBOOST, LINEAR, PERMUTATION = "xgboost pred_contribs", "coefficient * (value - mean)", "permutation importance"


class Explainer:
    """Explains the raw predictions of a model: log-odds of the second of two classes, a score for each class, or a number."""

    def __init__(self, model: Any, columns: Sequence[str], means: Sequence[float] | None = None) -> None:
        """Prepare a model.

        Args:
            model: an estimator, or a pipeline with one at its end.
            columns: of its input.
            means: of what a linear estimator reads; without them, `average` sets them.

        Raises:
            UserError: it is neither XGBoost nor linear, or a step before mixes columns.
        """
        from sklearn.pipeline import make_pipeline  # here, since the server may need it for no prediction

        steps: list[Any] = ["passthrough", *(step for _, step in getattr(model, "steps", [("", model)]))]
        self._before, self._estimator = make_pipeline(*steps[:-1]), steps[-1]
        if hasattr(self._estimator, "get_booster"):
            self.method = XGBOOST
        elif hasattr(self._estimator, "coef_") and hasattr(self._estimator, "intercept_"):
            self.method = LINEAR
        else:
            raise UserError(f"{type(self._estimator).__name__} is neither XGBoost nor linear")
        owners = owners_of(self._before, [*columns])
        self._sums = np.array(owners, object)[:, None] == np.array(columns, object)
        self.means = None if means is None else np.array(means)

    def average(self, frame: pd.DataFrame) -> None:
        """Let contributions of a linear model be relative to the mean of these rows."""
        self.means = _dense(self._before.transform(frame)).mean(axis=0) if self.method == LINEAR else None

    def explain(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return contributions, (rows, outputs, columns), and what they add to, (rows, outputs).

        Raises:
            UserError: they do not add up to what the estimator computes, such as one with a link function.
        """
        given, estimator = self._before.transform(frame), self._estimator
        if self.method == XGBOOST:
            booster, best = estimator.get_booster(), getattr(estimator, "best_iteration", None)
            data = import_module("xgboost").DMatrix(given, missing=estimator.missing)
            trees = (0, 0) if best is None else (0, best + 1)
            found = booster.predict(data, pred_contribs=True, strict_shape=True, iteration_range=trees).astype(float)
            raw = estimator.predict(given, output_margin=True)
            each, base = found[:, :, :-1], found[:, :, -1]
        else:
            coefficients, means = np.atleast_2d(estimator.coef_), self.means
            if means is None:
                raise UserError("the means of its features are not known: it was registered before level 3")
            each = (_dense(given) - means)[:, None, :] * coefficients
            base = np.broadcast_to(estimator.intercept_ + coefficients @ means, each.shape[:2])
            raw = getattr(estimator, "decision_function", estimator.predict)(given)
        raw = raw.reshape(len(frame), -1)
        if raw.shape != base.shape or not np.allclose(each.sum(axis=2) + base, raw, rtol=1e-3, atol=1e-3):
            raise UserError(f"the contributions do not add up to what {type(estimator).__name__} computes")
        return each @ self._sums, base


def _dense(given: Any) -> np.ndarray:
    return np.asarray(given.toarray() if hasattr(given, "toarray") else given, float)


def owners_of(step: Any, owners: list[str]) -> list[str]:
    """Return which input column each output of a fitted transformer comes from.

    Args:
        step: the transformer.
        owners: the input column of each of its inputs.

    Raises:
        UserError: an output comes from several columns.
    """
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            owners = owners_of(inner, owners)
        return owners
    if hasattr(step, "transformers_"):
        from sklearn.compose import make_column_transformer

        row, found = pd.DataFrame([owners], columns=getattr(step, "feature_names_in_", None)), []
        for name, inner, chosen in step.transformers_:
            if step.output_indices_[name] != slice(0, 0):  # those of the others follow each other
                chosen = [chosen] if isinstance(chosen, str) else chosen
                found += owners_of(inner, [*make_column_transformer(("passthrough", chosen)).fit_transform(row)[0]])
        return found
    if step in (None, "passthrough"):
        return owners
    if hasattr(step, "feature_name_combiner"):  # of OneHotEncoder: each output gets the name of its input
        step = copy(step).set_params(feature_name_combiner=lambda name, _: name)
    outputs = [*map(str, step.get_feature_names_out())] if hasattr(step, "get_feature_names_out") else []
    if len({*owners}) == 1 and outputs:
        return owners[:1] * len(outputs)
    given = map(str, getattr(step, "feature_names_in_", [f"x{place}" for place in range(len(owners))]))
    by_name = dict(zip(given, owners, strict=True))
    if not by_name.keys() >= {*outputs} or not outputs:
        raise UserError(f"{type(step).__name__} mixes columns")
    return [by_name[name] for name in outputs]
