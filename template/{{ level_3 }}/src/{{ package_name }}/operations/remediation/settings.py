# Managed by copier-mlops: an update merges with your edits.
"""The policy of remediation."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, PositiveFloat, PositiveInt, model_validator

from ...core.settings import Settings


class Verification(BaseModel, extra="forbid", frozen=True):
    """When an action has helped: the alert is resolved, or a query is at most a number."""

    minutes: PositiveFloat  # from the action on; then it has not helped
    query: str | None = None  # PromQL; of several series the largest counts
    at_most: float = 0


class Rule(BaseModel, extra="forbid", frozen=True):
    """What follows an alert."""

    alert: str
    labels: dict[str, str] = {}  # that the alert must have
    action: str
    tier: Literal["low", "high"]  # high: a person approves first
    cool_down_minutes: PositiveFloat  # of the action
    verify: Verification | None = None

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Self:
        from . import actions

        if self.action not in (known := actions.found()):
            raise ValueError(f"there is no action {self.action}, only {', '.join(sorted(known))}")
        if self.verify is None and self.action != "page":
            raise ValueError(f"the action {self.action} needs `verify`")
        return self


class Remediation(Settings, env_prefix="REMEDIATION_"):
    """The schema of `config/remediation.yaml`."""

    mode: Literal["dry run", "act"]
    state: str
    stop_file: Path
    token_file: Path | None
    prometheus: str
    max_actions_per_hour: PositiveInt
    max_open_actions: PositiveInt
    approval_minutes: PositiveFloat
    page_after_seconds: PositiveFloat
    maintenance: list[tuple[AwareDatetime, AwareDatetime]]
    safe_version: str
    retrain_task: Literal["retrain", "ci-retrain"]
    git_push: bool
    rules: Annotated[list[Rule], Field(min_length=1)]

    def rule(self, labels: dict[str, str]) -> Rule | None:
        """Return the first rule for the labels of an alert, which have no other effect than to equal those of a rule."""
        fits = (one for one in self.rules if {"alertname": one.alert, **one.labels}.items() <= labels.items())
        return next(fits, None)
