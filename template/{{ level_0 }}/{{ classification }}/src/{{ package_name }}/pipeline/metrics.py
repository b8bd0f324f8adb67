# Managed by copier-mlops: an update merges with your edits.
"""Metrics of a classifier, binary or multiclass."""

import warnings
from typing import Any

import pandas as pd
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning

SCORING = "neg_log_loss"  # scorer of permutation importance


def predict(model: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Return the probability of each class, shape (rows, classes)."""
    return pd.DataFrame(model.predict_proba(features), columns=model.classes_, index=features.index)


def performance(target: pd.Series, prediction: pd.DataFrame) -> dict[str, float]:
    """Return the metrics of a prediction; macro averages if there are more than two classes.

    A metric that is undefined for the rows is left out, such as ROC AUC if all are of one class.
    """
    classes = list(prediction.columns)
    chosen = prediction.idxmax(axis="columns")
    binary = len(classes) == 2
    averaging = {"average": "binary", "pos_label": classes[1]} if binary else {"average": "macro"}
    scores = prediction[classes[1]] if binary else prediction
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        measured = {
            "accuracy": metrics.accuracy_score(target, chosen),
            "precision": metrics.precision_score(target, chosen, zero_division=0, **averaging),
            "recall": metrics.recall_score(target, chosen, zero_division=0, **averaging),
            "f1": metrics.f1_score(target, chosen, zero_division=0, **averaging),
            "log_loss": metrics.log_loss(target, prediction, labels=classes),
        }
        if target.nunique() == len(classes):
            measured["roc_auc"] = metrics.roc_auc_score(target, scores, multi_class="ovr", labels=classes)
    return {name: float(value) for name, value in measured.items()}


def baseline(train_target: pd.Series, target: pd.Series) -> dict[str, float]:
    """Return the accuracy of always predicting the most frequent class."""
    dummy = DummyClassifier(strategy="most_frequent").fit(train_target.to_frame(), train_target)
    return {"baseline_accuracy": float(dummy.score(target.to_frame(), target))}


def constant_prediction(train_target: pd.Series, index: pd.Index) -> pd.DataFrame:
    """Return the frequency of each class as its probability, for all rows of `index`."""
    frequencies = train_target.value_counts(normalize=True).sort_index()
    return pd.DataFrame([frequencies.to_numpy()] * len(index), columns=frequencies.index, index=index)
