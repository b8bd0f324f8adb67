# Managed by copier-mlops: an update merges with your edits.
"""The page of all evidence: `reports/drills.html`."""

from collections.abc import Mapping

from ...core.io import read_json
from ...core.paths import REPORTS
from ...pipeline.figures import COLOR
from ...registry.client import Tracking
from ...reporting.html import write_page
from ...reporting.pages import ALARM, GRAY, image, new_axes
from .. import FOLDER, Evidence

PAGE = REPORTS / "drills.html"


def write(faults: Mapping[str, str], *commands: str) -> None:
    """Write the page: failed drills first, and last the faults of those without evidence; the commands cause them."""
    evidence = {path.stem: Evidence.model_validate(read_json(path)) for path in sorted(FOLDER.glob("*.json"))}
    found = dict(sorted(evidence.items(), key=lambda one: one[1].recovered))
    never = {name: fault for name, fault in faults.items() if name not in found}
    write_page(PAGE, model=Tracking.load().model, commands=commands, found=found, never=never, figure=figure(found))


def figure(found: Mapping[str, Evidence]) -> str:
    """Return the seconds of all drills that recovered, as a URL that holds the picture; nothing to compare is no picture."""
    times = {
        name: (one.detected_after_seconds, one.recovered_after_seconds)
        for name, one in found.items()
        if one.detected_after_seconds is not None and one.recovered_after_seconds is not None
    }
    if len(times) < 2:
        return ""
    detected, recovered = zip(*times.values(), strict=True)
    axes = new_axes(6, 1 + 0.25 * len(times), xlabel="seconds after the fault")
    axes.hlines([*times], detected, recovered, color=GRAY, zorder=1)
    for seconds, color, label in ((detected, ALARM, "detected"), (recovered, COLOR, "recovered")):
        axes.scatter(seconds, [*times], s=20, color=color, label=label, zorder=2)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.invert_yaxis()
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    return image(axes)
