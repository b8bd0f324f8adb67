# Managed by copier-mlops: an update merges with your edits.
"""The page about an A/B test: decision, arms, guardrails, and how the difference developed."""

from matplotlib.axes import Axes

from ..core.io import write_json
from ..core.paths import REPORTS
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..reporting.html import write_page
from ..reporting.pages import GRAY, image, new_axes
from .result import PATH, Result

PAGE = REPORTS / "experiment.html"
MARK = "#1d7a46"


def write(result: Result) -> None:
    """Write `reports/experiment.json` and `reports/experiment.html`."""
    write_json(result.model_dump(mode="json"), PATH)
    figures = [_difference(result), _means(result)] if result.looks else []
    write_page(PAGE, model=result.model, result=result, figures=figures)


def _difference(result: Result) -> str:
    """Return how difference and confidence sequence developed, as a URL that holds the picture."""
    axes, entities = _figure(result, f"Treatment minus control: {result.plan.metric}")
    low, high = [one.low for one in result.looks], [one.high for one in result.looks]
    axes.fill_between(entities, low, high, color=COLOR, alpha=0.25, linewidth=0, label="confidence sequence")
    axes.plot(entities, [one.difference for one in result.looks], color=COLOR, label="difference")
    axes.axhline(0, **REFERENCE_LINE)
    axes.axhline(result.plan.sign * result.plan.min_effect, color=MARK, linewidth=1, label="least effect")
    for place, name in ((result.planned, "planned, longest"), (result.longest, None)):
        axes.axvline(place, color=GRAY, linestyle=":", label=name)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    return image(axes)


def _means(result: Result) -> str:
    """Return how the means of the arms developed, as a URL that holds the picture."""
    axes, entities = _figure(result, f"Mean {result.plan.metric} of each arm")
    axes.plot(entities, [one.control for one in result.looks], color=GRAY, label="control")
    axes.plot(entities, [one.treatment for one in result.looks], color=COLOR, label="treatment")
    axes.legend(frameon=False, fontsize=8)
    return image(axes)


def _figure(result: Result, title: str) -> tuple[Axes, list[int]]:
    entities = [one.entities for one in result.looks]
    axes = new_axes(6.4, 3.8, title=title, xlabel="entities with a known outcome")
    axes.set_xlim(0, max(result.longest, entities[-1]) * 1.03)
    return axes, entities
