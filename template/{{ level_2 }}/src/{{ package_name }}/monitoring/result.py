# Managed by copier-mlops: an update merges with your edits.
"""The result of monitoring one batch of predictions, `reports/monitoring.json`: what others act on and pages show."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, BaseModel, Field

from ..core.io import read_json, write_json
from ..core.paths import REPORTS

PATH = REPORTS / "monitoring.json"
LABELED = AliasChoices("labeled", "labelled")  # the second in files of earlier versions
Test = Literal["distribution", "categories", "new categories", "missing", "correlation"]


class Part(BaseModel, extra="forbid", frozen=True):
    """A part of a result."""


class Interval(Part):
    """A measured value and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def best(self, threshold: str) -> float:
        """Return the end that a threshold, `min_METRIC` or `max_METRIC`, forgives most."""
        return self.high if threshold.startswith("min_") else self.low


class ColumnDrift(Part):
    """The strongest test of a column, or of a pair of columns, between reference and batch."""

    name: str  # a column, `A ~ B` for a pair, or `prediction`
    test: Test
    p_value: float  # corrected for the number of tests in the batch (Holm)
    effect: float  # between 0 and 1, for correlations up to 2; its meaning depends on the test
    alarm: bool  # significant, and the effect is at least its floor in `config/monitoring.yaml`


class Drift(Part):
    """Data drift and prediction drift."""

    alarm: bool
    in_a_row: int  # batches with an alarm, up to and including this one
    columns: list[ColumnDrift]
    prediction: ColumnDrift


class ColumnQuality(Part):
    """What is unusual about the values of a column, as shares of the rows."""

    name: str
    missing: float
    missing_in_reference: float
    out_of_range: float  # numbers beyond the smallest and largest of the reference
    unknown: float  # texts that the reference lacks


class Quality(Part):
    """Data quality of the rows."""

    alarm: bool
    problems: list[str]  # one line each
    columns: list[ColumnQuality]


class Slice(Part):
    """The metrics of a group of rows."""

    column: str
    group: str
    rows: int
    metrics: dict[str, Interval]


class Performance(Part):
    """How the predictions whose labels are due turned out."""

    start: datetime  # of these predictions, which are older than the batch by the delay of labels
    end: datetime
    labeled: int = Field(validation_alias=LABELED)  # predictions with a label
    due: int  # predictions that should have one
    metrics: dict[str, Interval]
    slices: list[Slice]
    shortfalls: list[str] = []  # limits of the quality gate that even the better end of the interval misses
    estimated: dict[str, float]  # of the batch itself, without its labels; blind to concept drift


class Kpi(Interval):
    """The business KPI of the predictions whose labels are due."""

    name: str


class Concept(Part):
    """Whether labels still fit the predicted probabilities."""

    surprise_z: float  # standard normal while the model is right about its uncertainty
    alarm: bool
    in_a_row: int  # batches with an alarm, up to and including this one


class MonitoringResult(Part):
    """One batch of predictions of one version."""

    created: datetime
    start: datetime
    end: datetime
    model: str
    version: str
    rows: int
    drift: Drift
    quality: Quality
    performance: Performance | None  # without metrics if too few labels are due; None if nothing can be estimated
    kpi: Kpi | None
    concept: Concept | None

    @property
    def drifted(self) -> list[str]:
        """The columns with an alarm and `prediction`, the strongest effect first."""
        alarms = [one for one in [self.drift.prediction, *self.drift.columns] if one.alarm]
        return [one.name for one in sorted(alarms, key=lambda one: -one.effect)]

    @property
    def intervals(self) -> dict[str, Interval]:
        """The metrics of labeled predictions, and the KPI."""
        kpi = {self.kpi.name: self.kpi} if self.kpi else {}
        return {**(self.performance.metrics if self.performance else {}), **kpi}

    @classmethod
    def read(cls, path: Path = PATH) -> Self:
        """Return the newest result."""
        return cls(**read_json(path, task="monitor"))

    def write(self) -> None:
        """Write `reports/monitoring.json`."""
        write_json(self.model_dump(mode="json"), PATH)
