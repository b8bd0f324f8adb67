# Managed by copier-mlops: an update merges with your edits.
"""Evaluation plots of a classifier."""

import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import ConfusionMatrixDisplay, auc, roc_curve

from .figures import REFERENCE_LINE, figure
from .metrics import choose

MAX_CURVES = 10
MAX_CLASSES = 30  # of the confusion matrix
SCALE_CLASSES = 12  # more make it larger
LINE_CHARACTERS = 40  # that fit below it in one line


def plot(target: pd.Series, prediction: pd.DataFrame) -> None:
    """Plot confusion matrix, ROC curve and calibration; with more than two classes, a curve for each of the most frequent.

    A class that no row or every row has gets no curve: it is undefined.

    Args:
        target: true class, shape (rows,).
        prediction: probability of each class, shape (rows, classes).
    """
    classes = list(prediction.columns)
    frequent = target.value_counts().index[:MAX_CURVES]
    curves = [
        (f"{target.name} = {label}", target == label, prediction.iloc[:, number])
        for number, label in enumerate(classes)
        if label in frequent and (number or len(classes) > 2) and target.nunique() > 1
    ]
    many = len(classes) > MAX_CLASSES
    matrix = [label for label in classes if not many or label in target.value_counts().index[:MAX_CLASSES]]
    title = f"Confusion matrix of the {MAX_CLASSES} most frequent classes" if many else "Confusion matrix"
    with figure("confusion_matrix", title, "", "", scale=max(1, len(matrix) / SCALE_CLASSES)) as axes:
        ConfusionMatrixDisplay.from_predictions(
            target,
            choose(prediction),
            labels=matrix,
            ax=axes,
            cmap="Blues",
            colorbar=False,
            xticks_rotation="vertical" if sum(len(str(label)) for label in matrix) > LINE_CHARACTERS else "horizontal",
        )
        axes.set(xlabel=f"predicted {target.name}", ylabel=f"true {target.name}")  # it writes labels of its own
    with figure("roc", "ROC curve", "false positive rate", "true positive rate") as axes:
        axes.plot([0, 1], [0, 1], label="random", **REFERENCE_LINE)
        for label, true, probability in curves:
            false_positive, true_positive, _ = roc_curve(true, probability)
            area = auc(false_positive, true_positive)
            axes.plot(false_positive, true_positive, label=f"{label}: area {area:.3f}")
        axes.legend(loc="lower right")
    with figure("calibration", "Calibration", "predicted probability", "observed frequency") as axes:
        axes.plot([0, 1], [0, 1], label="perfect", **REFERENCE_LINE)
        for label, true, probability in curves:
            observed, predicted = calibration_curve(true, probability, n_bins=10, strategy="quantile")
            axes.plot(predicted, observed, marker="o", label=label)
        axes.legend(loc="upper left")
