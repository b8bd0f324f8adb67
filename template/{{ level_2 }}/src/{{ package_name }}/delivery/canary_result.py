# Managed by copier-mlops: an update merges with your edits.
"""The outcome of `poe canary-check`, as JSON and as a page."""

from collections.abc import Iterator
from typing import Literal

from matplotlib.figure import Figure
from pydantic import BaseModel

from ..core.io import write_json, write_text
from ..core.paths import REPORTS
from ..monitoring.page import ALARM, image
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..reporting.html import environment

RESULT, PAGE = REPORTS / "canary.json", REPORTS / "canary.html"


class Version(BaseModel, frozen=True):
    """A version, and the alias under which it is served."""

    alias: str
    version: str


class Measurement(BaseModel, frozen=True):
    """A value of a metric; None if there was too little to measure."""

    metric: str
    weight: int  # percent
    seconds: float  # since the first step
    value: float | None
    limit: float
    passed: bool


class Reached(BaseModel, frozen=True):
    """A weight that was set, and what the servers got until the next one."""

    weight: int  # percent
    seconds: float  # since the first step
    requests: int
    canary_requests: int


class Result(BaseModel):
    """What the check found."""

    model: str
    stable: Version
    canary: Version
    outcome: Literal["promoted", "aborted"] = "promoted"
    aborted_by: str | None = None  # a metric, or "readiness"
    reason: str = "no metric failed too often"
    steps: list[Reached] = []
    measurements: list[Measurement] = []
    unmeasured: list[str] = []  # metrics without a single value
    requests: int = 0
    requests_failed: int = 0
    detected_after_seconds: float | None = None  # since the first step
    recovered_after_seconds: float | None = None  # since then, and without a failure later, all responses are the stable version's

    @property
    def weights(self) -> list[int]:
        """Return the weights that were reached."""
        return [one.weight for one in self.steps]

    def write(self) -> None:
        """Write `reports/canary.json` and its page."""
        write_json(self.model_dump(mode="json"), RESULT)
        page = environment().get_template("canary.html.j2")
        write_text(page.render(model=self.model, result=self, figures=[*self._figures()]), PAGE)

    def _figures(self) -> Iterator[str]:
        """Yield for each metric its values over time as a URL that holds the picture."""
        measured = [one for one in self.measurements if one.value is not None]
        for name, limit in {one.metric: one.limit for one in measured}.items():
            canvas = Figure(figsize=(6, 3), layout="constrained")
            axes = canvas.subplots()
            found = [(one.seconds, one.value or 0, ALARM if not one.passed else COLOR) for one in measured if one.metric == name]
            times, values, colors = zip(*found, strict=True)
            axes.plot(times, values, color=COLOR, zorder=1)
            axes.scatter(times, values, color=colors, s=20, zorder=2)
            axes.axhline(limit, **REFERENCE_LINE)
            for step in self.steps:
                axes.axvline(step.seconds, color="#999999", linewidth=1)
                axes.text(step.seconds, 1, f" {step.weight} %", transform=axes.get_xaxis_transform(), fontsize=8, va="top")
            axes.set(title=f"{name}, limit {limit:g}", xlabel="seconds of the check", ylim=(0, 1.2 * max(limit, *values)))
            axes.spines[["top", "right"]].set_visible(False)
            yield image(canvas)
