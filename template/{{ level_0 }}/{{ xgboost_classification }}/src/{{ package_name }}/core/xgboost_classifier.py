# Managed by copier-mlops: an update merges with your edits.
"""XGBoost for classes of any type: XGBoost itself accepts only the integers 0, 1, 2, and so on."""

from typing import Any, Self

import numpy as np
from xgboost import XGBClassifier


class LabelEncodingXGBClassifier(XGBClassifier):
    """An `XGBClassifier` whose classes are texts, booleans or any integers; parameters and predictions are the same."""

    def fit(self, X: Any, y: Any, **arguments: Any) -> Self:  # noqa: N803
        """Fit on the positions of the classes in `classes_`; an `eval_set` has its classes encoded, too."""
        labels, codes = np.unique(np.asarray(y), return_inverse=True)
        if sets := arguments.pop("eval_set", None):
            arguments["eval_set"] = [(features, np.searchsorted(labels, classes)) for features, classes in sets]
        self._labels = np.arange(len(labels))  # what XGBoost expects while it fits
        super().fit(X, codes, **arguments)
        self._labels = labels
        return self

    @property
    def classes_(self) -> np.ndarray:
        """The classes, sorted: the order of the columns of `predict_proba`."""
        return self._labels

    def predict(self, X: Any, **arguments: Any) -> np.ndarray:  # noqa: N803
        """Return the most probable class of each row; with `output_margin=True` the margins of XGBoost."""
        found = super().predict(X, **arguments)
        return found if arguments.get("output_margin") else self._labels[found.astype(int)]
