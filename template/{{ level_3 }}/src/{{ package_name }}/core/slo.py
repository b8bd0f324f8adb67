# Managed by copier-mlops: an update merges with your edits.
"""Service level objectives: the schemas of their files, and what Prometheus has measured of them."""

import re
from collections import defaultdict
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic.alias_generators import to_camel

from .config import load
from .prometheus import query
from .settings import Settings

SLOS, WINDOWS = Path("config/slo.yaml"), Path("config/slo_windows.yaml")
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
RATIO = "slo:sli_error:ratio_rate"  # and the window


def _query(text: str) -> str:
    if {name.strip() for name in re.findall("{{(.*?)}}", text)} != {".window"}:
        raise ValueError("a query has the range [{{.window}}], and no other variable")
    return re.sub("{{.*?}}", "{{.window}}", text)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]$")]
Query = Annotated[str, AfterValidator(_query)]
Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]*[wdhms]$")]


class Alert(BaseModel, extra="forbid"):
    """The alert of one severity."""

    disable: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Alerting(Alert):
    """The alerts of an objective, which share a name."""

    name: str
    page_alert: Alert = Alert()
    ticket_alert: Alert = Alert()


class Slo(BaseModel, extra="forbid"):
    """An objective in percent, and its indicator: the ratio of errors."""

    name: Name
    objective: Annotated[float, Field(gt=0, lt=100)]  # 100 would leave no budget
    description: str = ""
    labels: dict[str, str] = {}
    sli: dict[str, dict[str, Query]]
    alerting: Alerting

    @property
    def budget(self) -> float:
        """The ratio of errors that the objective allows."""
        return (100 - self.objective) / 100

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        if {kind: {*queries} for kind, queries in self.sli.items()} not in (
            {"events": {"error_query", "total_query"}},
            {"raw": {"error_ratio_query"}},
        ):
            raise ValueError("sli has events with error_query and total_query, or raw with error_ratio_query")
        return self


class Slos(BaseModel, extra="forbid"):
    """The schema of `config/slo.yaml`: Sloth's `prometheus/v1` without plug-ins."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: dict[str, str] = {}
    slos: Annotated[list[Slo], Field(min_length=1)]

    @classmethod
    def load(cls) -> Self:
        """Return the objectives of the project."""
        return load(SLOS, cls)


class Window(BaseModel, extra="forbid", alias_generator=to_camel):
    """An alert fires while both windows burn so fast that the long one spends this share of the budget."""

    error_budget_percent: Annotated[float, Field(gt=0, le=100)]
    short_window: Duration
    long_window: Duration


class Windows(BaseModel, extra="forbid", alias_generator=to_camel):
    """The period of all objectives, and the windows of their alerts: `spec` of Sloth's `AlertWindows`."""

    slo_period: Duration
    page: dict[Literal["quick", "slow"], Window]
    ticket: dict[Literal["quick", "slow"], Window]

    @property
    def all(self) -> list[Window]:
        """The windows of all alerts."""
        return [*self.page.values(), *self.ticket.values()]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for one in self.all:
            if not seconds(one.short_window) < seconds(one.long_window) < seconds(self.slo_period):
                found = f"{one.short_window} < {one.long_window} < {self.slo_period}"
                raise ValueError(f"shortWindow < longWindow < sloPeriod does not hold: {found}")
        return self

    def burn(self, window: Window) -> float:
        """Return the burn rate at which the long window spends its share of the budget."""
        hours, long = seconds(self.slo_period) / 3600, seconds(window.long_window) / 3600
        return window.error_budget_percent * hours / 100 / long


class AlertWindows(BaseModel, extra="forbid", alias_generator=to_camel):
    """The schema of `config/slo_windows.yaml`."""

    api_version: Literal["sloth.slok.dev/v1"]
    kind: Literal["AlertWindows"]
    spec: Windows


class ErrorBudget(Settings, env_prefix="ERROR_BUDGET_"):
    """The schema of `config/error_budget.yaml`."""

    prometheus: str | None
    enforce: bool


class Budget(NamedTuple):
    """What Prometheus has measured of an objective."""

    slo: Slo
    remaining: float | None  # share of the budget of the period, negative if overspent; None without data
    burn: dict[str, float]  # by window, such as 1h: 1 spends the budget in exactly the period


def seconds(duration: str) -> int:
    """Return the length of a duration."""
    return int(duration[:-1]) * UNITS[duration[-1]]


def budgets(slos: Slos, address: str) -> list[Budget]:
    """Return the error budget of each objective now.

    Raises:
        UserError: Prometheus cannot be reached, or refuses the query.
    """
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for labels, value in query(address.rstrip("/"), f'{{__name__=~"slo:.+", sloth_service="{slos.service}"}}'):
        if isfinite(value):
            found[labels["sloth_slo"]][labels["__name__"]] = value
    return [_budget(slo, found[slo.name]) for slo in slos.slos]


def _budget(slo: Slo, values: dict[str, float]) -> Budget:
    ratios = {name.removeprefix(RATIO): value for name, value in values.items() if name.startswith(RATIO)}
    burn = {window: ratios[window] / slo.budget for window in sorted(ratios, key=seconds)}
    return Budget(slo, values.get("slo:period_error_budget_remaining:ratio"), burn)
