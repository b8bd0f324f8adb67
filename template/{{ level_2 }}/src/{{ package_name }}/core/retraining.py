# Managed by copier-mlops: an update merges with your edits.
"""The settings of retraining."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .settings import Settings
from .thresholds import Thresholds


class Section(BaseModel, extra="forbid", frozen=True):
    """A part of `config/retraining.yaml`."""


class Triggers(Section):
    """What makes a model be trained again; None disables a trigger."""

    schedule_days: PositiveInt | None
    new_rows: PositiveInt | None
    data_drift_batches: PositiveInt | None
    concept_drift_batches: PositiveInt | None
    floors: Thresholds
    alerts: list[str]


class Limits(Section):
    """What a candidate must prove against the champion."""

    margin: Annotated[float, Field(ge=0, lt=1)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=200)]
    min_rows: PositiveInt


class Deployment(Section):
    """What a model may cost where it is deployed."""

    max_milliseconds: PositiveFloat
    max_megabytes: PositiveFloat
    max_slice_loss: NonNegativeFloat


class Retraining(Settings, env_prefix="RETRAINING_"):
    """The schema of `config/retraining.yaml`."""

    triggers: Triggers
    pause_days: NonNegativeInt
    window_days: PositiveInt | None
    window_days_after_concept_drift: PositiveInt | None
    comparison: Limits
    promotion: Literal["automatic", "request"]
    deployment: Deployment
