# Managed by copier-mlops: an update merges with your edits.
"""The settings of monitoring."""

from datetime import datetime, timedelta
from typing import Annotated, Self, get_args

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ..core.settings import Settings
from .prediction_log import Window
from .result import Test

Share = Annotated[float, Field(gt=0, lt=1)]


class Monitoring(Settings, env_prefix="MONITORING_"):
    """The schema of `config/monitoring.yaml`."""

    batch_hours: PositiveFloat
    history: Annotated[int, Field(ge=1)]
    min_rows: Annotated[int, Field(ge=20)]
    sample_rows: Annotated[int, Field(ge=1000)]
    label_delay_hours: Annotated[float, Field(ge=0)]
    label_window_hours: PositiveFloat
    min_labels: Annotated[int, Field(ge=20)]
    significance: Share
    min_effect: dict[Test, float]
    max_surprise_z: PositiveFloat
    max_out_of_range: Share
    in_a_row: PositiveInt

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.label_window_hours < self.label_delay_hours:
            raise ValueError("label_window_hours must be at least label_delay_hours")
        if missing := {*get_args(Test)} - {*self.min_effect}:
            raise ValueError(f"min_effect lacks {', '.join(sorted(missing))}")
        return self

    @property
    def batch(self) -> timedelta:
        """The length of a batch."""
        return timedelta(hours=self.batch_hours)

    @property
    def label_delay(self) -> timedelta:
        """The time after which an outcome should be known."""
        return timedelta(hours=self.label_delay_hours)

    def last_batch(self, now: datetime) -> Window:
        """Return the newest batch that has ended."""
        end = now - timedelta(seconds=now.timestamp() % self.batch.total_seconds())
        return Window(end - self.batch, end)
