# Managed by copier-mlops: an update merges with your edits.
"""The outcome of `poe canary-check`, as JSON and as a page."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel

from ..core.io import write_json
from ..core.paths import REPORTS
from ..pipeline.figures import COLOR, REFERENCE_LINE
from ..reporting.html import write_page
from ..reporting.pages import ALARM, GRAY, image, new_axes
from .versions import Version

RESULT, PAGE = REPORTS / "canary.json", REPORTS / "canary.html"


class Measurement(BaseModel, frozen=True):
    """A value of a metric; None if there was too little to measure."""

    metric: str
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
    reason: str = ""
    steps: list[Reached] = []
    measurements: list[Measurement] = []
    unmeasured: list[str] = []  # metrics without a single value
    requests: int = 0
    requests_failed: int = 0
    detected_after_seconds: float | None = None  # since the first step
    recovered_after_seconds: float | None = None  # since the first step, if no request failed after that

    @property
    def weights(self) -> list[int]:
        """Return the weights that were reached."""
        return [one.weight for one in self.steps]

    @property
    def summary(self) -> str:
        """Return the outcome in words."""
        if self.outcome == "aborted":
            where = f"at {self.weights[-1]} %" if self.weights else "before its first request"
            return f"is aborted {where} by {self.aborted_by}: {self.reason}"
        if self.unmeasured:
            return f"is not tested: too few requests for {', '.join(self.unmeasured)}; more seconds per step help"
        return f"would replace version {self.stable.version}"

    def write(self) -> None:
        """Write `reports/canary.json` and its page."""
        write_json(self.model_dump(mode="json"), RESULT)
        write_page(PAGE, model=self.model, result=self, figures=[*self._figures()])

    def _figures(self) -> Iterator[str]:
        """Yield for each metric its values over time as a URL that holds the picture."""
        measured = [one for one in self.measurements if one.value is not None]
        for name, limit in {one.metric: one.limit for one in measured}.items():
            found = [one for one in measured if one.metric == name]
            times, values = [one.seconds for one in found], [one.value or 0 for one in found]
            axes = new_axes(6, 3, title=f"{name}, limit {limit:g}", xlabel="seconds of the check")
            axes.plot(times, values, color=COLOR, zorder=1)
            axes.scatter(times, values, s=20, color=[COLOR if one.passed else ALARM for one in found], zorder=2)
            axes.axhline(limit, **REFERENCE_LINE)
            for step in self.steps:
                axes.axvline(step.seconds, color=GRAY, linewidth=1)
                place = {"transform": axes.get_xaxis_transform(), "fontsize": 8, "va": "top"}
                axes.text(step.seconds, 1, f" {step.weight} %", **place)
            axes.set_ylim(0, 1.2 * max(limit, *values))
            yield image(axes)
