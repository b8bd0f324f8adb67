# Managed by copier-mlops: an update merges with your edits.
"""The page about an A/B test: decision, arms, guardrails, and how the difference developed."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core.io import write_json, write_text
from ..core.paths import REPORTS
from ..monitoring.page import image
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..reporting.html import environment
from .result import PATH, Result

PAGE = REPORTS / "experiment.html"
CONTROL, MARK = "#999999", "#1d7a46"


def write(result: Result) -> None:
    """Write `reports/experiment.json` and `reports/experiment.html`."""
    write_json(result.model_dump(mode="json"), PATH)
    figures = [_difference(result), _means(result)] if result.looks else []
    template = environment().get_template("experiment.html.j2")
    write_text(template.render(model=result.model, result=result, figures=figures), PAGE)


def _difference(result: Result) -> str:
    """Return how difference and confidence sequence developed, as a URL that holds the picture."""
    canvas, axes, entities = _figure(result, f"Treatment minus control: {result.plan.metric}")
    low, high = [one.low for one in result.looks], [one.high for one in result.looks]
    axes.fill_between(entities, low, high, color=COLOR, alpha=0.25, linewidth=0, label="confidence sequence")
    axes.plot(entities, [one.difference for one in result.looks], color=COLOR, label="difference")
    axes.axhline(0, **REFERENCE_LINE)
    axes.axhline(result.plan.sign * result.plan.min_effect, color=MARK, linewidth=1, label="least effect")
    for place, name in ((result.planned, "planned, longest"), (result.longest, None)):
        axes.axvline(place, color=CONTROL, linestyle=":", label=name)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    return image(canvas)


def _means(result: Result) -> str:
    """Return how the means of the arms developed, as a URL that holds the picture."""
    canvas, axes, entities = _figure(result, f"Mean {result.plan.metric} of each arm")
    axes.plot(entities, [one.control for one in result.looks], color=CONTROL, label="control")
    axes.plot(entities, [one.treatment for one in result.looks], color=COLOR, label="treatment")
    axes.legend(frameon=False, fontsize=8)
    return image(canvas)


def _figure(result: Result, title: str) -> tuple[Figure, Axes, list[int]]:
    canvas = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes, entities = canvas.subplots(), [one.entities for one in result.looks]
    axes.set_title(title, fontsize=11)
    axes.set(xlabel="entities with a known outcome", xlim=(0, max(result.longest, entities[-1]) * 1.03))
    axes.spines[["top", "right"]].set_visible(False)
    return canvas, axes, entities
