# Managed by copier-mlops: an update merges with your edits.
"""Pictures of how a regressor errs."""

import pandas as pd

from .drawing import COLOUR, REFERENCE, drawn

MOST_POINTS = 2_000


def draw(target: pd.Series, prediction: pd.Series) -> None:
    """Draw predictions against truth, the errors, and truth by tenth of the prediction.

    Args:
        target: true value, shape (rows,).
        prediction: predicted value, shape (rows,).
    """
    rows = pd.DataFrame({"true": target, "predicted": prediction})
    shown = rows.sample(min(len(rows), MOST_POINTS), random_state=0)
    ends = [rows.to_numpy().min(), rows.to_numpy().max()]
    with drawn("predicted_vs_true", "Predicted against true", "true value", "predicted value") as axes:
        axes.plot(ends, ends, **REFERENCE)
        axes.scatter(shown["true"], shown["predicted"], s=8, alpha=0.4, color=COLOUR)
    with drawn("residuals", "Errors", "predicted - true", "rows") as axes:
        axes.axvline(0, **REFERENCE)
        axes.hist(rows["predicted"] - rows["true"], bins=40, color=COLOUR)
    with drawn("calibration", "Calibration by tenth", "mean prediction", "mean true value") as axes:
        tenths = rows.groupby(pd.qcut(rows["predicted"].rank(method="first"), min(10, len(rows)))).mean()
        axes.plot(ends, ends, **REFERENCE)
        axes.plot(tenths["predicted"], tenths["true"], marker="o", color=COLOUR)
