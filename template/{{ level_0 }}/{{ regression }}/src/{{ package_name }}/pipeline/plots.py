# Managed by copier-mlops: an update merges with your edits.
"""Evaluation plots of a regressor."""

import pandas as pd

from .figures import COLOR, REFERENCE_LINE, figure

MAX_POINTS = 2_000
FAR = 3  # times the range of the central 99 % of the values


def ends_of(values: pd.Series) -> tuple[float, float]:
    """Return the ends of an axis: of all values, or of their central 99 % if the others would squeeze those into a corner."""
    low, high = values.quantile([0.005, 0.995])
    far = 0 < FAR * (high - low) < values.max() - values.min()
    return (low, high) if far else (values.min(), values.max())


def plot(target: pd.Series, prediction: pd.Series) -> None:
    """Plot predictions against true values, residuals, and calibration by decile of the prediction.

    Values far beyond all others are not shown.

    Args:
        target: true value, shape (rows,).
        prediction: predicted value, shape (rows,).
    """
    rows = pd.DataFrame({"true": target, "predicted": prediction})
    shown = rows.sample(min(len(rows), MAX_POINTS), random_state=0)
    ends = ends_of(pd.concat([rows["true"], rows["predicted"]]))
    residuals = rows["predicted"] - rows["true"]
    with figure(
        "predicted_vs_true", "Predicted against true", f"true {target.name}", f"predicted {target.name}"
    ) as axes:
        axes.plot(ends, ends, **REFERENCE_LINE)
        inside = shown[shown.ge(ends[0]).all(axis="columns") & shown.le(ends[1]).all(axis="columns")]
        axes.scatter(inside["true"], inside["predicted"], s=8, alpha=0.4, color=COLOR)
    with figure("residuals", "Residuals", f"predicted - true {target.name}", "rows") as axes:
        axes.axvline(0, **REFERENCE_LINE)
        axes.hist(residuals, bins=40, range=ends_of(residuals), color=COLOR)
    with figure(
        "calibration", "Calibration by decile", f"mean prediction of {target.name}", f"mean {target.name}"
    ) as axes:
        deciles = rows.groupby(pd.qcut(rows["predicted"].rank(method="first"), min(10, len(rows)))).mean()
        ends = [deciles["predicted"].min(), deciles["predicted"].max()]
        axes.plot(ends, ends, **REFERENCE_LINE)
        axes.plot(deciles["predicted"], deciles["true"], marker="o", color=COLOR)
