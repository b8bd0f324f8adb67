# Managed by copier-mlops: an update merges with your edits.
"""The plan of a bandit."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveFloat, ValidationInfo, field_validator

from ..core.bandit import Policy
from ..core.settings import Settings
from ..experiments.settings import Limits, Metric, Share


class Plan(BaseModel, frozen=True):
    """Which versions get requests, and what is a reward."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    policy: Policy
    versions: Annotated[list[str], Field(min_length=2, max_length=5)]
    metric: Metric
    better: Literal["higher", "lower"]
    exploration: Annotated[float, Field(ge=0.01, le=1)]
    width: PositiveFloat
    features: Annotated[list[str], Field(max_length=20)]
    significance: Share
    guardrails: Limits

    @field_validator("features")
    @classmethod
    def _contextual(cls, features: list[str], known: ValidationInfo) -> list[str]:
        if (known.data.get("policy") == "linucb") != bool(features):
            raise ValueError("linucb needs at least one, the other policies use none")
        return features

    @property
    def sign(self) -> int:
        """1 if more of the metric is better, else -1."""
        return 1 if self.better == "higher" else -1


class Bandit(Settings, Plan, env_prefix="BANDIT_"):
    """The schema of `config/bandit.yaml`."""

    metrics_from: str
