# Managed by copier-mlops: an update merges with your edits.
"""Compares the predictions of a shadow with those that were returned for the same rows: `poe shadow report`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ..core.environment import environment as variables
from ..core.errors import UserError
from ..core.io import write_json, write_text
from ..core.paths import REPORTS
from ..core.prediction_log import FEATURE
from ..modeling.data import SLICES
from ..monitoring.page import image
from ..monitoring.prediction_log import features, read
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..registry.client import Tracking
from ..reporting.html import environment

RESULT, PAGE = REPORTS / "shadow.json", REPORTS / "shadow.html"
KEY = ["request_id", "row"]
NUMBER_DIFFERS = 0.1  # of the standard deviation of the returned numbers: more is a disagreement
ROWS, POINTS = 10, 2000  # on the page


def report(place: str, hours: float) -> dict[str, Any]:
    """Write `reports/shadow.json` and its page, and return what they hold.

    Args:
        place: of the shadow's log.
        hours: until now, that are compared.

    Raises:
        UserError: no row was predicted by both.
    """
    end = datetime.now(UTC) + timedelta(seconds=1)
    model, start = Tracking.load().model, end - timedelta(hours=hours)
    served = read(start, end)
    with variables(PREDICTION_LOG_PLACE=place):
        shadow = read(start, end)
    tables = [one[one["model"] == model].drop_duplicates(KEY) for one in (served, shadow)]
    both = tables[0].merge(tables[1][[*KEY, "version", "prediction", "output"]], on=KEY, suffixes=("", "_shadow"))
    if both.empty:
        raise UserError(
            f"no row of the last {hours:g} h is in the prediction log and in {place}: `poe shadow start` fills both"
        )
    both["differs"] = _differs(both)
    difference = both["prediction_shadow"] - both["prediction"]
    groups = {
        f"{column} {value}": group
        for column in SLICES
        if f"{FEATURE}{column}" in both
        for value, group in both.groupby(f"{FEATURE}{column}", observed=True)["differs"]
    }
    found: dict[str, Any] = {
        "model": model,
        "version": ", ".join(sorted(both["version"].unique())),
        "shadow": ", ".join(sorted(both["version_shadow"].unique())),
        "rows": len(both),
        "only_returned": len(tables[0]) - len(both),
        "disagreements": int(both["differs"].sum()),
        "share": float(both["differs"].mean()),
        "mean": float(both["prediction"].mean()),
        "shadow_mean": float(both["prediction_shadow"].mean()),
        "mean_difference": float(difference.abs().mean()),
        "groups": {name: {"rows": len(group), "share": float(group.mean())} for name, group in groups.items()},
    }
    write_json(found, RESULT)
    worst = both.loc[difference.abs().nlargest(ROWS).index]
    rows = [
        {"returned": one["prediction"], "shadow": one["prediction_shadow"], "row": row}
        for (_, one), row in zip(worst.iterrows(), features(worst).to_dict("records"), strict=True)
    ]
    page = environment().get_template("shadow.html.j2")
    write_text(page.render({**found, "rows": rows, "found_rows": len(both), "figure": _figure(both)}), PAGE)
    return found


def _differs(both: pd.DataFrame) -> pd.Series:
    """Return for each row whether the class differs, or the number by more than a part of the standard deviation."""
    if both["output"].map(len).max() > 1:
        classes = [both[name].map(lambda output: output.argmax()) for name in ("output", "output_shadow")]
        return classes[0] != classes[1]
    return (both["prediction_shadow"] - both["prediction"]).abs() > NUMBER_DIFFERS * both["prediction"].std()


def _figure(both: pd.DataFrame) -> str:
    """Return both predictions of each row as a URL that holds the picture."""
    canvas = Figure(figsize=(5, 5), layout="constrained")
    axes = canvas.subplots()
    some = both.sample(min(POINTS, len(both)), random_state=0)
    axes.scatter(some["prediction"], some["prediction_shadow"], s=6, alpha=0.4, color=COLOR)
    axes.axline((some["prediction"].median(),) * 2, slope=1, **REFERENCE_LINE)
    axes.set(xlabel="returned", ylabel="shadow")
    axes.spines[["top", "right"]].set_visible(False)
    return image(canvas)
