# Managed by copier-mlops: an update merges with your edits.
"""The plan of a bandit."""

from typing import Annotated

from pydantic import Field, PositiveFloat, ValidationInfo, field_validator

from ..core.bandit import Policy
from ..core.settings import Settings
from ..experiments.settings import Goal, Limits


class Plan(Goal, frozen=True):
    """Which versions get requests, and what is a reward."""

    policy: Policy
    versions: Annotated[list[str], Field(min_length=2, max_length=5)]
    exploration: Annotated[float, Field(ge=0.01, le=1)]
    width: PositiveFloat
    features: Annotated[list[str], Field(max_length=20)]
    guardrails: Limits

    @field_validator("features")
    @classmethod
    def _contextual(cls, features: list[str], known: ValidationInfo) -> list[str]:
        if (known.data.get("policy") == "linucb") != bool(features):
            raise ValueError("linucb needs at least one, the other policies use none")
        return features


class Bandit(Settings, Plan, env_prefix="BANDIT_"):
    """The schema of `config/bandit.yaml`."""

    metrics_from: str
