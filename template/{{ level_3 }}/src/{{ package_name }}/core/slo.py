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

SLOS, WINDOWS = Path("config/slo.yaml"), Path("config/slo_windows.yaml")
GATE = ("gate", "promotion")  # label of an objective whose spent budget refuses promotions
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
RATIO, REMAINING = "slo:sli_error:ratio_rate", "slo:period_error_budget_remaining:ratio"


def _objective(value: float) -> float:
    if not 0 < value < 100:
        raise ValueError("an objective is above 0 and below 100 %: with 100 % there is no error budget to spend")
    return value


def _query(text: str) -> str:
    if "{{.window}}" not in (joined := re.sub(r"{{ *\.window *}}", "{{.window}}", text)):
        raise ValueError("the query needs the range [{{.window}}], so that it can be asked for each window")
    if "{{" in joined.replace("{{.window}}", ""):
        raise ValueError("the only variable of a query is {{.window}}")
    return joined


def _seconds(text: object) -> int:
    found = re.fullmatch(r"([1-9]\d*)([wdhms])", str(text))
    if not found:
        raise ValueError("a duration is a number and one of s, m, h, d and w, such as 30m")
    return int(found[1]) * UNITS[found[2]]


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]$")]
Query = Annotated[str, AfterValidator(_query)]
Seconds = Annotated[int, BeforeValidator(_seconds)]


class Part(BaseModel):
    """A part of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Events(Part):
    """A ratio of two numbers of events."""

    error_query: Query
    total_query: Query


class Raw(Part):
    """A ratio that is measured as such."""

    error_ratio_query: Query


class Sli(Part):
    """The service level indicator: the ratio of what is bad."""

    events: Events | None = None
    raw: Raw | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.events is None) == (self.raw is None):
            raise ValueError("an indicator is either events or raw")
        return self


class Alert(Part):
    """What is special about the alert of one severity."""

    disable: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Alerting(Alert):
    """The alerts of an objective, which share a name."""

    name: str
    page_alert: Alert = Alert()
    ticket_alert: Alert = Alert()


class Slo(Part):
    """An objective."""

    name: Name
    objective: Annotated[float, AfterValidator(_objective)]  # in percent
    description: str = ""
    labels: dict[str, str] = {}
    sli: Sli
    alerting: Alerting

    @property
    def budget(self) -> float:
        """The ratio of errors that the objective allows."""
        return (100 - self.objective) / 100


class Slos(Part):
    """The schema of `config/slo.yaml`, which is the part of Sloth's `prometheus/v1` without plug-ins."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: dict[str, str] = {}
    slos: Annotated[list[Slo], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        names = [one.name for one in self.slos]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two objectives have the name {min(repeated)}")
        return self

    @classmethod
    def load(cls) -> Self:
        """Return the objectives of the project."""
        return load(SLOS, cls)


class Camel(Part):
    """A part of a file whose keys are in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class Window(Camel):
    """An alert fires while both windows spend the budget so fast that the long one spends this share of it."""

    error_budget_percent: Annotated[float, Field(gt=0, le=100)]
    short_window: Seconds
    long_window: Seconds


class Pair(Part):
    """The two conditions of a severity, of which one suffices."""

    quick: Window
    slow: Window


class Spec(Camel):
    """The period of the objectives, and the windows of their alerts."""

    slo_period: Seconds
    page: Pair
    ticket: Pair

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for one in self.windows:
            if not one.short_window < one.long_window < self.slo_period:
                found = " < ".join(map(duration, (one.short_window, one.long_window, self.slo_period)))
                raise ValueError(f"shortWindow < longWindow < sloPeriod does not hold: {found}")
        return self

    @property
    def windows(self) -> list[Window]:
        """All windows."""
        return [self.page.quick, self.page.slow, self.ticket.quick, self.ticket.slow]


class Windows(Camel):
    """The schema of `config/slo_windows.yaml`, which is Sloth's `AlertWindows`."""

    api_version: Literal["sloth.slok.dev/v1"]
    kind: Literal["AlertWindows"]
    spec: Spec

    @classmethod
    def load(cls) -> Spec:
        """Return the windows of the project."""
        return load(WINDOWS, cls).spec


def duration(seconds: int) -> str:
    """Return a duration as Prometheus writes it."""
    if seconds % UNITS["w"] == 0:
        return f"{seconds // UNITS['w']}w"
    parts = []
    for unit in "dhms":
        count, seconds = divmod(seconds, UNITS[unit])
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


class ErrorBudget(Settings, env_prefix="ERROR_BUDGET_"):
    """The schema of `config/error_budget.yaml`."""

    prometheus: str | None
    enforce: bool


class Budget(NamedTuple):
    """What Prometheus has measured of an objective."""

    slo: Slo
    remaining: float | None  # share of the budget of the period, negative if more was spent; None without data
    burn: dict[str, float]  # by window: 1 spends the budget in exactly the period

    @property
    def refuses(self) -> bool:
        """Whether promotions wait until the budget recovers."""
        return self.slo.labels.get(GATE[0]) == GATE[1] and self.remaining is not None and self.remaining <= 0


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
