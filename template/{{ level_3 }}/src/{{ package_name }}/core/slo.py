# Managed by copier-mlops: an update merges with your edits.
"""Service level objectives: the schemas of their files, and what Prometheus has measured of them."""

import re
from collections import defaultdict
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from .config import load
from .prometheus import query
from .settings import Settings

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
INDICATORS = {"events": {"error_query", "total_query"}, "raw": {"error_ratio_query"}}
RATIO, REMAINING = "slo:sli_error:ratio_rate", "slo:period_error_budget_remaining:ratio"


def _objective(value: float) -> float:
    if not 0 < value < 100:
        raise ValueError("an objective is above 0 and below 100 %: 100 % leaves no error budget")
    return value


def _query(text: str) -> str:
    if {name.strip() for name in re.findall("{{(.*?)}}", text)} != {".window"}:
        raise ValueError("a query has the range [{{.window}}], and no other variable")
    return re.sub("{{.*?}}", "{{.window}}", text)


def _seconds(text: object) -> int:
    if not (found := re.fullmatch(r"([1-9]\d*)([wdhms])", str(text))):
        raise ValueError("a duration is a number and one of s, m, h, d and w, such as 30m")
    return int(found[1]) * UNITS[found[2]]


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]$")]
Seconds = Annotated[int, BeforeValidator(_seconds)]


class Part(BaseModel):
    """A part of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Alert(Part):
    """The alert of one severity."""

    disable: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Alerting(Part):
    """The alerts of an objective, which share a name."""

    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    page_alert: Alert = Alert()
    ticket_alert: Alert = Alert()


class Slo(Part):
    """An objective, in percent, and its indicator, the ratio of errors."""

    name: Name
    objective: Annotated[float, AfterValidator(_objective)]
    description: str = ""
    labels: dict[str, str] = {}
    sli: dict[str, dict[str, Annotated[str, AfterValidator(_query)]]]
    alerting: Alerting

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        if [(kind, {*queries}) for kind, queries in self.sli.items()] not in [[one] for one in INDICATORS.items()]:
            raise ValueError(f"sli: one of {' and '.join(INDICATORS)}, with {INDICATORS}")
        return self

    @property
    def budget(self) -> float:
        """The ratio of errors that the objective allows."""
        return (100 - self.objective) / 100


class Slos(Part):
    """The schema of `config/slo.yaml`: Sloth's `prometheus/v1` without plug-ins."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: dict[str, str] = {}
    slos: Annotated[list[Slo], Field(min_length=1)]

    @classmethod
    def load(cls) -> Self:
        """Return the objectives of the project."""
        return load(Path("config/slo.yaml"), cls)


class Camel(Part):
    """A part of a file whose keys are in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class Window(Camel):
    """An alert fires while both windows burn so fast that the long one spends this share of the budget."""

    error_budget_percent: Annotated[float, Field(gt=0, le=100)]
    short_window: Seconds
    long_window: Seconds


class Pair(Part):
    """The conditions of a severity, of which one suffices."""

    quick: Window
    slow: Window


class Spec(Camel):
    """The period of all objectives, and the windows of their alerts."""

    slo_period: Seconds
    page: Pair
    ticket: Pair

    @property
    def pairs(self) -> list[Window]:
        """The windows of all alerts."""
        return [self.page.quick, self.page.slow, self.ticket.quick, self.ticket.slow]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for one in self.pairs:
            if not one.short_window < one.long_window < self.slo_period:
                found = " < ".join(map(duration, (one.short_window, one.long_window, self.slo_period)))
                raise ValueError(f"shortWindow < longWindow < sloPeriod does not hold: {found}")
        return self

    def burn(self, window: Window) -> float:
        """Return the burn rate at which the long window spends its share of the budget."""
        return window.error_budget_percent * (self.slo_period / 3600) / 100 / (window.long_window / 3600)


class Windows(Camel):
    """The schema of `config/slo_windows.yaml`: Sloth's `AlertWindows`."""

    api_version: Literal["sloth.slok.dev/v1"]
    kind: Literal["AlertWindows"]
    spec: Spec

    @classmethod
    def load(cls) -> Spec:
        """Return the windows of the project."""
        return load(Path("config/slo_windows.yaml"), cls).spec


def duration(seconds: int) -> str:
    """Return a duration as Prometheus writes it."""
    if seconds % UNITS["w"] == 0:
        return f"{seconds // UNITS['w']}w"
    above = {"d": seconds + 1, "h": UNITS["d"], "m": UNITS["h"], "s": UNITS["m"]}
    counts = {unit: seconds % limit // UNITS[unit] for unit, limit in above.items()}
    return "".join(f"{count}{unit}" for unit, count in counts.items() if count)


class ErrorBudget(Settings, env_prefix="ERROR_BUDGET_"):
    """The schema of `config/error_budget.yaml`."""

    prometheus: str | None
    enforce: bool


class Budget(NamedTuple):
    """What Prometheus has measured of an objective."""

    slo: Slo
    remaining: float | None  # share of the budget of the period, negative if overspent; None without data
    burn: dict[str, float]  # by window, such as 1h: 1 spends the budget in exactly the period

    @property
    def blocks(self) -> bool:
        """Whether promotions wait until the budget recovers."""
        return self.slo.labels.get("gate") == "promotion" and self.remaining is not None and self.remaining <= 0


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
    burn = {name.removeprefix(RATIO): value / slo.budget for name, value in values.items() if name.startswith(RATIO)}
    return Budget(slo, values.get(REMAINING), burn)
