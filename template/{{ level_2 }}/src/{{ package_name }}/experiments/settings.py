# Managed by copier-mlops: an update merges with your edits.
"""The plan of an A/B test."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveFloat, field_validator

from ..core.settings import Settings
from ..monitoring.settings import Share

Arm = Literal["control", "treatment"]
Metric = Literal["outcome", "value", "error", "loss"]


class Limits(BaseModel, frozen=True, extra="forbid"):
    """Limits of requests; None if there is no limit."""

    max_error_ratio: Annotated[float, Field(ge=0, lt=1)] | None = None
    max_p99_seconds: PositiveFloat | None = None


class Guardrails(Limits, frozen=True, extra="forbid"):
    """Limits that end a test."""

    max_prediction_shift: PositiveFloat | None = None


class Goal(BaseModel, frozen=True):
    """By what versions are compared."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    metric: Metric
    better: Literal["higher", "lower"]
    significance: Share

    @property
    def sign(self) -> int:
        """1 if more of the metric is better, else -1."""
        return 1 if self.better == "higher" else -1


class Plan(Goal, frozen=True):
    """What is tested, and when it ends."""

    hypothesis: Annotated[str, Field(min_length=1, max_length=1000)]
    min_effect: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    power: Annotated[float, Field(ge=0.5, lt=1)]
    longest: Annotated[float, Field(ge=1.6, le=2)]
    arms: dict[Arm, Share]
    covariate: str | None = None
    guardrails: Guardrails

    @field_validator("arms")
    @classmethod
    def _complete(cls, arms: dict[Arm, float]) -> dict[Arm, float]:
        if len(arms) < 2 or abs(sum(arms.values()) - 1) > 1e-6:
            raise ValueError("control and treatment must add up to 1")
        return arms


class Experiment(Settings, Plan, env_prefix="EXPERIMENT_"):
    """The schema of `config/experiment.yaml`."""

    metrics_from: str
