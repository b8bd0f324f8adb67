# Managed by copier-mlops: an update merges with your edits.
"""Metrics of a classifier, binary or multiclass."""

import warnings
from typing import Any

import pandas as pd

from ..core.column_types import example, kind_of
from ..core.errors import UserError

SCORING = "log loss"  # what `score` measures


def checked_target(target: pd.Series) -> pd.Series:
    """Return a target column as classes: texts, booleans or whole numbers.

    Raises:
        UserError: it holds something else.
    """
    name, kind = target.name, kind_of(target)
    if isinstance(target.dtype, pd.CategoricalDtype):
        target, kind = target.astype(target.cat.categories.dtype), "text"
    if kind == "numbers" and (target % 1 == 0).all():
        target = target.astype("int64")
    elif kind not in ("text", "booleans"):
        odd = target[target % 1 != 0] if kind == "numbers" else target
        raise UserError(f"{name}: a class is a text, a boolean or a whole number, found {example(odd)}")
    return target


def predict(model: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Return the probability of each class, shape (rows, classes)."""
    return as_prediction(model.predict_proba(features), model.classes_, features)


def as_prediction(probabilities: Any, classes: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Return probabilities as `predict` does."""
    return pd.DataFrame(probabilities, columns=classes, index=features.index)


def score(model: Any, features: pd.DataFrame, target: pd.Series) -> float:
    """Return the negative log loss: a scorer for classes of the model that these rows lack, unlike scikit-learn's."""
    from sklearn.metrics import log_loss  # here: `checked_target`, in this module too, does without

    prediction = predict(model, features)
    return -float(log_loss(target, prediction, labels=list(prediction.columns)))


def performance(target: pd.Series, prediction: pd.DataFrame) -> dict[str, float]:
    """Return the metrics of a prediction; macro averages if there are more than two classes.

    A metric that is undefined for the rows is left out, such as ROC AUC if they lack a class.

    Raises:
        UserError: the target has a class that the model does not have.
    """
    from sklearn import metrics
    from sklearn.exceptions import UndefinedMetricWarning

    classes = list(prediction.columns)
    if unknown := sorted({*target} - {*classes}):
        raise UserError(f"{target.name}: the class {unknown[0]!r} is in the test rows, but in no training row")
    chosen = choose(prediction)
    binary = len(classes) == 2
    averaging = {"average": "binary", "pos_label": classes[1]} if binary else {"average": "macro"}
    scores = prediction.iloc[:, 1] if binary else prediction
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", "The y_prob values do not sum to one")  # a server computes with 32 bits
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(target, chosen, zero_division=0, **averaging)
        measured = {
            "accuracy": metrics.accuracy_score(target, chosen),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "log_loss": metrics.log_loss(target, prediction, labels=classes),
        }
        if target.nunique() == len(classes):
            measured["roc_auc"] = metrics.roc_auc_score(target, scores, multi_class="ovr", labels=classes)
    return {name: float(value) for name, value in measured.items()}


def choose(prediction: pd.DataFrame) -> pd.Series:
    """Return the most probable class of each row."""
    return pd.Series(prediction.columns.to_numpy()[prediction.to_numpy().argmax(axis=1)], prediction.index)


def baseline(train_target: pd.Series, target: pd.Series) -> dict[str, float]:
    """Return the accuracy of always predicting the most frequent class."""
    return {"baseline_accuracy": float((target == train_target.mode()[0]).mean())}


def constant_prediction(train_target: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Return the frequency of each class as its probability, for all rows of `index`."""
    frequencies = train_target.value_counts(normalize=True).sort_index()
    return pd.DataFrame([frequencies.to_numpy()] * len(index), columns=frequencies.index, index=index)
