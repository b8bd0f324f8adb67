# Managed by copier-mlops: an update merges with your edits.
"""Evaluation plots of a classifier."""

import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import ConfusionMatrixDisplay, auc, roc_curve

from .figures import REFERENCE_LINE, figure


def plot(target: pd.Series, prediction: pd.DataFrame) -> None:
    """Plot confusion matrix, ROC curve and calibration; with more than two classes, one curve per class.

    Args:
        target: true class, shape (rows,).
        prediction: probability of each class, shape (rows, classes).
    """
    classes = list(prediction.columns)
    curves = classes[1:] if len(classes) == 2 else classes
    with figure("confusion_matrix", "Confusion matrix", "", "") as axes:
        ConfusionMatrixDisplay.from_predictions(
            target, prediction.idxmax(axis="columns"), labels=classes, ax=axes, cmap="Blues", colorbar=False
        )
        axes.set(xlabel=f"predicted {target.name}", ylabel=f"true {target.name}")  # it writes labels of its own
    with figure("roc", "ROC curve", "false positive rate", "true positive rate") as axes:
        axes.plot([0, 1], [0, 1], **REFERENCE_LINE)
        for label in curves:
            false_positive, true_positive, _ = roc_curve(target == label, prediction[label])
            area = auc(false_positive, true_positive)
            axes.plot(false_positive, true_positive, label=f"{target.name} = {label}: area {area:.3f}")
        axes.legend(loc="lower right")
    with figure("calibration", "Calibration", "predicted probability", "observed frequency") as axes:
        axes.plot([0, 1], [0, 1], **REFERENCE_LINE)
        for label in curves:
            observed, predicted = calibration_curve(target == label, prediction[label], n_bins=10, strategy="quantile")
            axes.plot(predicted, observed, marker="o", label=f"{target.name} = {label}")
        axes.legend(loc="upper left")
