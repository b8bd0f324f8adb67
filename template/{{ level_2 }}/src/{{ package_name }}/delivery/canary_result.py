# Managed by copier-mlops: an update merges with your edits.
"""The outcome of `poe canary-check`, as JSON and as a page."""

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
        write_text(page.render(model=self.model, result=self, figure=self._figure()), PAGE)

    def _figure(self) -> str | None:
        """Return the values of each metric over time as a URL that holds the picture."""
        limits = {one.metric: one.limit for one in self.measurements if one.value is not None}
        if not limits:
            return None
        canvas = Figure(figsize=(10, 2.1 * len(limits)), layout="constrained")
        for axes, (name, limit) in zip(canvas.subplots(len(limits), sharex=True, squeeze=False)[:, 0], limits.items(), strict=True):
            found = [one for one in self.measurements if one.metric == name and one.value is not None]
            axes.plot([one.seconds for one in found], [one.value for one in found], marker="o", color=COLOR)
            failed = [one for one in found if not one.passed]
            axes.plot([one.seconds for one in failed], [one.value for one in failed], "o", color=ALARM)
            axes.axhline(limit, **REFERENCE_LINE)
            axes.set(ylabel=name, ylim=(0, 1.15 * max(limit, *(one.value or 0 for one in found))))
            axes.spines[["top", "right"]].set_visible(False)
            for step in self.steps:
                axes.axvline(step.seconds, color="#999999", linewidth=1)
                axes.text(step.seconds, 1, f" {step.weight} %", transform=axes.get_xaxis_transform(), fontsize=8, va="top")
        canvas.axes[-1].set_xlabel("seconds of the check")
        return image(canvas)
