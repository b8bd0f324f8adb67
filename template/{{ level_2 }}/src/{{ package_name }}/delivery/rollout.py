# Managed by copier-mlops: an update merges with your edits.
"""Reads the steps of a release and what it is measured by, from `deploy/levels/level-2/canary/`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, Field

from ..core.config import load
from ..core.errors import UserError
from ..core.prometheus import query

FOLDER = Path("deploy/levels/level-2/canary")
ROLLOUT, ANALYSIS = FOLDER / "rollout.yaml", FOLDER / "analysis.yaml"
STABLE, CANARY = "stable", "canary"  # in place of the hashes of pods
FEWER = {"min-requests": "100"}  # a check of minutes cannot wait for as many as users send
UNITS = {"s": 1, "m": 60, "h": 3600}
RANGE = re.compile(r"\[((?:\d+[smh])+)\]")
ARGUMENT = re.compile(r"\{\{\s*args\.([\w-]+)\s*\}\}")
# The one form of a condition: a query that returns nothing is a success, and there is one limit.
CONDITION = re.compile(r"len\(result\) == 0 \|\| isNaN\(result\[0\]\) \|\| result\[0\] <= ([\d.]+)")


def seconds(duration: Any) -> float:
    """Return the seconds of a duration such as `1h30m`.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"(\d+[smh])+", str(duration)):
        raise ValueError("not a duration such as 30s, 5m or 1h")
    return float(sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", duration)))


Duration = Annotated[float, BeforeValidator(seconds)]


class Step(BaseModel, extra="forbid"):
    """A step of a release: a weight in percent, or a pause. Steps of other kinds cannot be tried here."""

    weight: int | None = Field(None, alias="setWeight", ge=0, le=100)
    pause: dict[str, Any] | None = None  # its duration in the cluster


class Argument(BaseModel):
    """A value that a query or a condition names."""

    name: str
    value: str | None = None
    pods: Literal["Stable", "Latest"] | None = Field(
        None, validation_alias=AliasPath("valueFrom", "podTemplateHashValue")
    )

    @property
    def text(self) -> str | None:
        """Return the value."""
        return {"Stable": STABLE, "Latest": CANARY}[self.pods] if self.pods else self.value


class Metric(BaseModel):
    """A metric of the AnalysisTemplate; `read_plan` fills in its values."""

    name: str
    query: str = Field(validation_alias=AliasPath("provider", "prometheus", "query"))  # PromQL
    condition: str = Field(alias="successCondition")
    limit: float = 0  # of the condition: a larger value is a failure
    delay: Duration = Field(0.0, alias="initialDelay")
    interval: Duration
    failure_limit: int = Field(0, alias="failureLimit")  # more failures than this abort the release
    dry_run: bool = False  # it is only observed

    def value(self, prometheus: str) -> float | None:
        """Return the value now, or None if there is too little to measure."""
        found = query(prometheus, self.query)
        return found[0][1] if found and not math.isnan(found[0][1]) else None


class Rollout(BaseModel):
    """What matters here of `rollout.yaml`."""

    steps: list[Step] = Field(min_length=1, validation_alias=AliasPath("spec", "strategy", "canary", "steps"))
    first_step: int = Field(  # from which on there are measurements
        0, validation_alias=AliasPath("spec", "strategy", "canary", "analysis", "startingStep")
    )
    arguments: list[Argument] = Field([], validation_alias=AliasPath("spec", "strategy", "canary", "analysis", "args"))
    dry_run: list[dict[str, str]] = Field(
        [], validation_alias=AliasPath("spec", "strategy", "canary", "analysis", "dryRun")
    )


class Template(BaseModel):
    """What matters here of `analysis.yaml`."""

    arguments: list[Argument] = Field([], validation_alias=AliasPath("spec", "args"))
    metrics: list[Metric] = Field(min_length=1, validation_alias=AliasPath("spec", "metrics"))


@dataclass(frozen=True)
class Plan:
    """The steps of a release, and its metrics from one of them on."""

    steps: list[Step]
    first_step: int
    metrics: list[Metric]


def read_plan(seconds_per_step: float | None, given: Mapping[str, str] = {}) -> Plan:
    """Return what a release does, with some arguments given in place of those of the files.

    A pause takes `seconds_per_step`, and the longest range of a query half of it; None leaves durations as in the cluster.

    Raises:
        UserError: a file is missing, or a value in it does not fit.
    """
    rollout, template = load(ROLLOUT, Rollout), load(ANALYSIS, Template)
    known = [*template.arguments, *rollout.arguments]
    # A value of the cluster, such as its namespace, is not known here.
    values = {one.name: one.text for one in known if one.text is not None}
    values |= {} if seconds_per_step is None else FEWER
    values |= given
    ranges = [seconds(found) for one in template.metrics for found in RANGE.findall(one.query)]
    scale = 1 if seconds_per_step is None else seconds_per_step / 2 / max(ranges, default=seconds_per_step)
    metrics = [
        one.model_copy(
            update={
                "query": RANGE.sub(
                    lambda found: f"[{seconds(found[1]) * scale * 1000:.0f}ms]", _filled(one.query, values)
                ),
                "limit": _limit(one, values),
                "delay": one.delay * scale,
                "interval": one.interval * scale,
                "dry_run": any(re.search(observed["metricName"], one.name) for observed in rollout.dry_run),
            }
        )
        for one in template.metrics
    ]
    return Plan(rollout.steps, rollout.first_step, metrics)


def _filled(text: str, values: dict[str, str]) -> str:
    """Return a text with the values of the arguments that it names."""
    if missing := [name for name in ARGUMENT.findall(text) if name not in values]:
        raise UserError(f"{ANALYSIS}: the argument {missing[0]} has no value")
    return ARGUMENT.sub(lambda found: values[found[1]], text)


def _limit(metric: Metric, values: dict[str, str]) -> float:
    condition = " ".join(_filled(metric.condition, values).split())
    if found := CONDITION.fullmatch(condition):
        return float(found[1])
    raise UserError(
        f"{ANALYSIS}: the condition of {metric.name} is not of the form in docs/runbooks/canary.md: {condition}"
    )
