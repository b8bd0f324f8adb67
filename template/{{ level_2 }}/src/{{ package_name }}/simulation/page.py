# Managed by copier-mlops: an update merges with your edits.
"""The page of the simulated year."""

from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure

from ..core.paths import REPORTS
from ..drills.harness import months
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..reporting.html import write_page
from ..reporting.pages import ALARM, GRAY, image

PAGE = REPORTS / "year.html"


def write(year: dict[str, Any]) -> None:
    """Write `reports/year.html` of what `reports/year.json` holds."""
    write_page(PAGE, year=year, figure=figure(year["kpi"], year["months"]))


def figure(name: str, found: list[dict[str, Any]]) -> str:
    """Return KPI, drift and surprise by month as a URL that holds the picture."""
    canvas = Figure(figsize=(10, 7.5), layout="constrained")
    kpi, drift, surprise = canvas.subplots(3, 1, sharex=True, height_ratios=[2, 1, 1])
    number = [one["month"] for one in found]
    kpi.plot(number, [one["kpi"] for one in found], marker="o", color=COLOR, label="with retraining")
    kpi.plot(number, [one["kpi_frozen"] for one in found], marker="o", color=GRAY, label="without")
    kpi.set_ylabel(name.replace("_", " "))
    kpi.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for before, one in pairwise(found):
        if one["version"] != before["version"]:
            above = {"xytext": (0, 12), "textcoords": "offset points", "ha": "center"}
            kpi.annotate(f"version {one['version']}", (one["month"], one["kpi"]), **above)
    drift.bar(number, [len(one["drifted"]) for one in found], color=COLOR)
    drift.set_ylabel("drifted columns")
    known = [one for one in found if one["surprise_z"] is not None]
    surprise.bar([one["month"] for one in known], [one["surprise_z"] for one in known], color=COLOR)
    surprise.set(ylabel="surprise z", xlabel="month", xticks=number)
    for month, change in ((months.DATA_DRIFT, "data drift"), (months.CONCEPT_DRIFT, "concept drift")):
        kpi.text(month - 0.45, 1, change, transform=kpi.get_xaxis_transform(), color=ALARM, fontsize=8, va="top")
        for axes in (kpi, drift, surprise):
            axes.axvline(month - 0.5, color=ALARM, linewidth=1)
            axes.spines[["top", "right"]].set_visible(False)
    for one in found:
        if one["kinds"]:
            kpi.axvline(one["month"] + 0.5, **REFERENCE_LINE)
    return image(kpi)
