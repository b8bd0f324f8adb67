# Managed by copier-mlops: an update merges with your edits.
"""Compares what two versions predicted for the same requests, which both logs hold under the same id: `poe shadow report`."""

import json
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from ..core.environment import environment
from ..core.errors import UserError
from ..core.io import write_json
from ..core.paths import REPORTS
from ..monitoring.prediction_log import read
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..registry.client import Tracking
from ..reporting.html import write_page
from ..reporting.pages import image, new_axes

COLUMNS = ["request_id", "row", "entity", "time", "model", "version", "prediction", "output"]
NEAR = 0.1  # standard deviations of the served predictions: numbers that differ by less agree
ROWS, POINTS = 10, 2_000  # shown
RESULT, PAGE = REPORTS / "shadow.json", REPORTS / "shadow.html"


class Shadow(BaseModel, frozen=True, extra="forbid"):
    """How far the predictions of two versions differ."""

    start: datetime
    end: datetime
    model: str
    served: str  # versions
    shadow: str
    rows: int  # that both predicted
    only_served: int  # rows that the shadow did not predict: not mirrored, failed, or not logged yet
    only_shadow: int
    disagreement: float  # share of the rows with another most probable class, or numbers that are not near
    mean_difference: float  # absolute
    largest: list[dict[str, Any]]  # rows with the largest difference

    def line(self) -> str:
        """Return one line for people."""
        return (
            f"{self.rows:,} rows by version {self.served} and, in its shadow, {self.shadow}: {self.disagreement:.1%}"
            f" disagree, mean difference {self.mean_difference:.4g}; {self.only_served:,} by version {self.served} alone"
        )


def report(start: datetime, end: datetime, place: str) -> Shadow:
    """Write `reports/shadow.json` and its page about predictions until `end`, those of the shadow in the log at `place`.

    Raises:
        UserError: no request is in both logs.
    """
    model, key = Tracking.load().model, ["request_id", "row"]
    served = _read(model, start, end)
    with environment(PREDICTION_LOG_PLACE=place):
        shadow = _read(model, start, end)
    both = served.merge(shadow, on=key, suffixes=("", "_shadow")).sort_values("time", ignore_index=True)
    if both.empty:
        raise UserError(
            f"no request is in both logs: {len(served):,} predictions were served, {len(shadow):,} are in {place};"
            " `uv run poe shadow start` mirrors requests"
        )
    difference = (both["prediction_shadow"] - both["prediction"]).abs()
    if len(both["output"][0]) > 1:
        disagree = both["output"].map(np.argmax) != both["output_shadow"].map(np.argmax)
    else:
        disagree = difference > NEAR * both["prediction"].std(ddof=0)
    shown = ["time", "request_id", "row", "entity", "prediction", "prediction_shadow"]
    largest = both.loc[difference.nlargest(ROWS).index, shown].assign(time=lambda rows: rows["time"].astype(str))
    result = Shadow(
        start=start,
        end=end,
        model=model,
        served=", ".join(sorted(both["version"].unique())),
        shadow=", ".join(sorted(both["version_shadow"].unique())),
        rows=len(both),
        only_served=len(served) - len(both),
        only_shadow=len(shadow) - len(both),
        disagreement=float(disagree.mean()),
        mean_difference=float(difference.mean()),
        largest=json.loads(largest.to_json(orient="records", double_precision=15)),
    )
    write_json(result.model_dump(mode="json"), RESULT)
    write_page(PAGE, model=model, result=result, figure=_figure(both))
    return result


def _read(model: str, start: datetime, end: datetime) -> pd.DataFrame:
    rows = read(start, end, COLUMNS)
    return rows[rows["model"] == model].drop_duplicates(["request_id", "row"])  # clients may repeat an id


def _figure(both: pd.DataFrame) -> str:
    """Return the predictions of both versions as a URL that holds the picture."""
    rows = both.sample(min(len(both), POINTS), random_state=0)
    axes = new_axes(5, 4.6, xlabel="prediction that was served", ylabel="prediction of the shadow")
    axes.scatter(rows["prediction"], rows["prediction_shadow"], s=8, alpha=0.4, color=COLOR, linewidths=0)
    axes.axline((rows["prediction"].mean(),) * 2, slope=1, **REFERENCE_LINE)
    return image(axes)
