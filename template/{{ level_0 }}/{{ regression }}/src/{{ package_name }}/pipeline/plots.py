# Managed by copier-mlops: an update merges with your edits.
"""Evaluation plots of a regressor."""

import pandas as pd

from .figures import COLOR, REFERENCE_LINE, figure

MAX_POINTS = 2_000


def plot(target: pd.Series, prediction: pd.Series) -> None:
    """Plot predictions against true values, residuals, and calibration by decile of the prediction.

    Args:
        target: true value, shape (rows,).
        prediction: predicted value, shape (rows,).
    """
    rows = pd.DataFrame({"true": target, "predicted": prediction})
    shown = rows.sample(min(len(rows), MAX_POINTS), random_state=0)
    ends = [rows.to_numpy().min(), rows.to_numpy().max()]
    with figure(
        "predicted_vs_true", "Predicted against true", f"true {target.name}", f"predicted {target.name}"
    ) as axes:
        axes.plot(ends, ends, **REFERENCE_LINE)
        axes.scatter(shown["true"], shown["predicted"], s=8, alpha=0.4, color=COLOR)
    with figure("residuals", "Residuals", f"predicted - true {target.name}", "rows") as axes:
        axes.axvline(0, **REFERENCE_LINE)
        axes.hist(rows["predicted"] - rows["true"], bins=40, color=COLOR)
    with figure(
        "calibration", "Calibration by decile", f"mean prediction of {target.name}", f"mean {target.name}"
    ) as axes:
        deciles = rows.groupby(pd.qcut(rows["predicted"].rank(method="first"), min(10, len(rows)))).mean()
        axes.plot(ends, ends, **REFERENCE_LINE)
        axes.plot(deciles["predicted"], deciles["true"], marker="o", color=COLOR)
