# Managed by copier-mlops: an update merges with your edits.
"""The page of all evidence: `reports/drills.html`."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from ...core.io import read_json, write_text
from ...core.paths import REPORTS
from ...monitoring.page import ALARM, image
from ...pipeline.figures import COLOR
from ...registry.client import Tracking
from ...reporting.html import environment
from .. import FOLDER, Evidence

PAGE = REPORTS / "drills.html"


def write(faults: Mapping[str, str]) -> None:
    """Write the page: failed drills first, and those without evidence last.

    Args:
        faults: what each drill breaks, by its name.
    """
    evidence = {path.stem: Evidence.model_validate(read_json(path)) for path in sorted(FOLDER.glob("*.json"))}
    found = dict(sorted(evidence.items(), key=lambda one: one[1].recovered))
    content = {"found": found, "never": {name: fault for name, fault in faults.items() if name not in found}}
    template = environment().get_template("drills.html.j2")
    write_text(template.render(model=Tracking.load().model, figure=figure(found), **content), PAGE)


def figure(found: Mapping[str, Evidence]) -> str:
    """Return the seconds of all drills that recovered, as a URL that holds the picture; nothing to compare is no picture."""
    times = {
        name: (one.detected_after_seconds, one.recovered_after_seconds)
        for name, one in found.items()
        if one.detected_after_seconds is not None and one.recovered_after_seconds is not None
    }
    if len(times) < 2:
        return ""
    canvas, (detected, recovered) = (
        Figure(figsize=(6, 1 + 0.25 * len(times)), layout="constrained"),
        zip(*times.values(), strict=True),
    )
    axes = canvas.subplots()
    axes.hlines([*times], detected, recovered, color="#999999", zorder=1)
    for seconds, color, label in ((detected, ALARM, "detected"), (recovered, COLOR, "recovered")):
        axes.scatter(seconds, [*times], s=20, color=color, label=label, zorder=2)
    axes.set_xscale("symlog", linthresh=1)
    axes.set(xlabel="seconds after the fault", xlim=(0, None))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.invert_yaxis()
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return image(canvas)
