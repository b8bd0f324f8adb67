# Managed by copier-mlops: an update merges with your edits.
"""The record of one run, from which report, model card and pull request comment are written."""

from datetime import date, datetime
from typing import Any, Self

from pydantic import BaseModel

from .io import read_json, write_json
from .lineage import Lineage
from .paths import REPORTS

PATH = REPORTS / "run.json"


class Champion(BaseModel, frozen=True):
    """The version that was in use when a model was trained."""

    version: str
    metrics: dict[str, float]  # on the test rows of that model


class RunRecord(Lineage):
    """What was trained, on what, how it did at the gate, and where MLflow has it."""

    model: str  # name in the registry
    purpose: str
    version: int | None = None  # in the registry; None if the run was not registered
    run_id: str | None = None  # in MLflow; None if the run was not tracked
    shortfalls: list[str]  # empty if the model passed the quality gate
    champion: Champion | None = None  # None before the first promotion, or if it cannot read these columns
    parameters: dict[str, Any]
    trained: date
    estimator: str
    library: str
    features: dict[str, str]  # type by column
    missing: dict[str, float]  # share of missing training values by column, where there are any
    train_rows: int
    test_rows: int
    first_day: date
    last_day: date
    trained_until: datetime | None = None  # time of the newest training row: later rows are new to the model

    @classmethod
    def read(cls) -> Self:
        """Return the record of the last run."""
        return cls(**read_json(PATH, task="register"))

    def tags(self) -> dict[str, str]:
        """Return lineage and times of the data as tags for MLflow."""
        until = {"trained_until": self.trained_until.isoformat()} if self.trained_until else {}
        return {**super().tags(), **until, "data_until": self.last_day.isoformat()}

    def write(self) -> None:
        """Write `reports/run.json`."""
        write_json(self.model_dump(mode="json"), PATH)
