# Managed by copier-mlops: an update merges with your edits.
"""The result of an A/B test so far, `reports/experiment.json`."""

from datetime import datetime
from typing import Literal

from ..core.paths import REPORTS
from ..monitoring.result import Part
from .settings import Arm, Plan

PATH = REPORTS / "experiment.json"
Verdict = Literal["continue", "promote the treatment", "keep the control", "stop"]


class ArmResult(Part):
    """One arm."""

    version: str
    entities: int  # that were in it
    due: int  # of these, entities whose outcome should be known by now
    measured: int  # of these, entities whose outcome is known
    mean: float | None  # of the metric


class Look(Part):
    """What was known after a number of entities."""

    entities: int
    control: float  # mean of the metric
    treatment: float
    difference: float
    low: float
    high: float


class Guardrail(Part):
    """A limit and what was measured; the treatment is judged, the control stands beside."""

    name: str
    limit: float
    treatment: float | None
    control: float | None
    breached: bool
    note: str = ""  # why there is no value


class Result(Part):
    """All that the page shows."""

    created: datetime
    model: str
    plan: Plan
    started: datetime
    stopped: datetime | None
    planned: int  # entities of both arms together
    longest: int
    arms: dict[Arm, ArmResult]
    looks: list[Look]  # the last one counts
    variance_kept: float | None  # share of the variance that the covariate leaves
    sample_ratio_p: float
    switched: int  # entities that both versions predicted, left out
    without_entity: int  # requests, left out
    other_versions: int  # requests, left out
    guardrails: list[Guardrail]
    problems: list[str]
    verdict: Verdict
    decision: str  # one line
