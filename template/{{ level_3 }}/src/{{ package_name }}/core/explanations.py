# Managed by copier-mlops: an update merges with your edits.
"""Contributions of the input columns to a prediction: exact for XGBoost and for linear models.

XGBoost computes SHAP values of its trees (Lundberg et al. 2020, "From local explanations to global understanding with
explainable AI for trees"); those of a linear model are coefficient times distance from the mean, if columns are independent.
"""

from collections.abc import Sequence
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
    kind = type(step).__name__
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            owners = owners_of(inner, owners)
        return owners
    if hasattr(step, "transformers_"):
        names: list[Any] = [*getattr(step, "feature_names_in_", range(len(owners)))]
        found: list[str] = [""] * max((place.stop for place in step.output_indices_.values()), default=0)
        for name, inner, chosen in step.transformers_:
            if (place := step.output_indices_[name]).stop > place.start:
                given = [
                    owners[names.index(one) if isinstance(one, str) else one] for one in _chosen(chosen, len(owners))
                ]
                found[place] = owners_of(inner, given)
        return found
    if step in (None, "passthrough"):
        return owners
    if kind == "OneHotEncoder":
        rare = getattr(step, "infrequent_categories_", None) or [None] * len(owners)
        dropped = [None] * len(owners) if step.drop_idx_ is None else step.drop_idx_
        parts = zip(owners, step.categories_, rare, dropped, strict=True)
        sizes = [
            (own, len(all_) - (len(few) - 1 if few is not None else 0) - (off is not None))
            for own, all_, few, off in parts
        ]
        return [owner for owner, size in sizes for _ in range(size)]
    outputs = [*map(str, step.get_feature_names_out())] if hasattr(step, "get_feature_names_out") else []
    if len({*owners}) == 1 and outputs:
        return owners[:1] * len(outputs)
    names = [*map(str, getattr(step, "feature_names_in_", [f"x{place}" for place in range(len(owners))]))]
    if outputs != names:
        raise UserError(f"{kind} mixes columns")
    return owners


def _chosen(chosen: Any, count: int) -> Sequence[Any]:
    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, slice):
        return range(count)[chosen]
    return np.flatnonzero(chosen).tolist() if np.asarray(chosen).dtype == bool else [*chosen]
