# Managed by copier-mlops: an update merges with your edits.
"""How good a boosted model was after each round: shows whether it learnt too little, or too much by heart."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .data import features_and_target
from .metrics import SCORING, performance, predict

LOSS = {"neg_log_loss": "log_loss", "neg_root_mean_squared_error": "rmse"}[SCORING]
ROWS = 1_000
POINTS = 20


def losses(model: Any, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[int, dict[str, float]]:
    """Return by round, for some of them, the loss on some of the training and test rows.

    It is empty for a model whose last step does not learn in rounds.
    """
    found: dict[int, dict[str, float]] = {}
    for name, rows in (("train", train), ("test", test)):
        features, target = features_and_target(rows.sample(min(len(rows), ROWS), random_state=seed))
        for number, prediction in _predictions(model[-1], model[:-1].transform(features)):
            measured = performance(target, predict(_Predicted(prediction, model[-1]), features))
            found.setdefault(number, {})[f"by_round/{name}_{LOSS}"] = measured[LOSS]
    return found


class _Predicted:
    """A model that has predicted already."""

    def __init__(self, prediction: Any, estimator: Any) -> None:
        self.prediction, self.classes_ = prediction, getattr(estimator, "classes_", None)

    def predict(self, _: pd.DataFrame) -> Any:
        return self.prediction

    predict_proba = predict


def _predictions(estimator: Any, features: Any) -> Iterator[tuple[int, Any]]:
    """Yield some numbers of rounds, the last always, and the prediction after so many."""
    predict = getattr(estimator, "predict_proba", estimator.predict)
    staged = getattr(estimator, "staged_predict_proba", getattr(estimator, "staged_predict", None))
    if hasattr(estimator, "get_booster"):
        for number in _points(estimator.get_booster().num_boosted_rounds()):
            yield number, predict(features, iteration_range=(0, number))
    elif staged:
        predictions = list(staged(features))
        for number in _points(len(predictions)):
            yield number, predictions[number - 1]


def _points(rounds: int) -> list[int]:
    return sorted({int(point) for point in np.linspace(1, rounds, min(rounds, POINTS))})
