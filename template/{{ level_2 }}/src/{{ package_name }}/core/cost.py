# Managed by copier-mlops: an update merges with your edits.
"""What a training run and predictions cost, by the prices in `config/cost.yaml`.

Two prices each, because they answer different questions: what was used, which falls when the code gets faster, and what
is paid for, which falls only with fewer or smaller machines.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat

from .io import read_json, write_json
from .paths import REPORTS
from .settings import Settings
from .thresholds import Thresholds, check_names, metric_of, misses

PATH = REPORTS / "cost.json"
OLD_PRICES_DAYS = 180
TRAINING_RUN, THOUSAND_PREDICTIONS = "training_run", "thousand_predictions"  # what a budget can limit


class Machine(BaseModel, extra="forbid", frozen=True):
    """What a machine, or the share of one that a container reserves, consists of."""

    vcpus: PositiveFloat
    gigabytes: PositiveFloat


class TrainingMachine(Machine, frozen=True):
    """Where training runs, and whether it pays for all of the machine or for what it uses."""

    machine: Literal["shared", "rented"]
    spot_discount: Annotated[float, Field(ge=0, lt=1)] = 0.0


class PriceList(Settings):
    """Prices of one day."""

    currency: str
    as_of: date
    source: str

    def warning(self, today: date) -> str | None:
        """Return a line if the prices are too old to rely on, else None."""
        days = (today - self.as_of).days
        return f"the prices in {self.path()} are {days} days old" if days > OLD_PRICES_DAYS else None


class Prices(PriceList, env_prefix="COST_"):
    """The schema of `config/cost.yaml`."""

    vcpu_hour: NonNegativeFloat
    gigabyte_hour: NonNegativeFloat
    training: TrainingMachine
    server: Machine
    budget: Thresholds

    def per_second(self, machine: Machine) -> float:
        """Return the price of a machine."""
        return (machine.vcpus * self.vcpu_hour + machine.gigabytes * self.gigabyte_hour) / 3600

    def exceeded(self, costs: Mapping[str, float]) -> list[str]:
        """Return a line for each limit of the budget that one of these costs misses.

        Raises:
            UserError: the budget limits something else.
        """
        check_names(self.budget, (TRAINING_RUN, THOUSAND_PREDICTIONS), f"{self.path()}: budget")
        return [
            f"{name} costs {costs[name]:.4g} {self.currency}, which misses {threshold} {limit:g} in {self.path()}"
            for threshold, limit in self.budget.items()
            if (name := metric_of(threshold)) in costs and misses(costs[name], threshold, limit)
        ]


class Usage(BaseModel, frozen=True):
    """What a run has used of its machine."""

    wall_seconds: float
    cpu_seconds: float
    gigabytes: float  # of memory


class ServingCost(BaseModel, frozen=True):
    """What a thousand predictions cost."""

    marginal: float  # the CPU time that they took
    paid: float  # the servers that ran meanwhile, idle or not


class RunCost(BaseModel, frozen=True):
    """What a run used and costs, in the currency of the prices."""

    currency: str
    as_of: date  # day of the prices
    usage: Usage
    used: float  # CPU seconds and memory
    rented: float  # the whole machine as long as the run took
    charged: float  # that of the two which `training.machine` selects
    thousand_predictions: ServingCost  # of the test rows at once: the least that a server can cost

    @classmethod
    def read(cls) -> Self | None:
        """Return the cost of the last run, or None if none was recorded."""
        return cls(**read_json(PATH)) if PATH.exists() else None

    def write(self) -> None:
        """Write `reports/cost.json`."""
        write_json(self.model_dump(mode="json"), PATH)


def training_cost(usage: Usage, predictions: ServingCost, prices: Prices) -> RunCost:
    """Return what a run costs."""
    paying = 1 - prices.training.spot_discount
    memory = usage.gigabytes * usage.wall_seconds * prices.gigabyte_hour
    used = paying * (usage.cpu_seconds * prices.vcpu_hour + memory) / 3600
    rented = paying * usage.wall_seconds * prices.per_second(prices.training)
    return RunCost(
        currency=prices.currency,
        as_of=prices.as_of,
        usage=usage,
        used=used,
        rented=rented,
        charged=rented if prices.training.machine == "rented" else used,
        thousand_predictions=predictions,
    )


def serving_cost(rows: float, cpu_seconds: float, server_seconds: float, prices: Prices) -> ServingCost:
    """Return what a thousand predictions cost.

    Args:
        rows: that were predicted, at least one.
        cpu_seconds: that all servers used meanwhile.
        server_seconds: the sum of the times that each server ran.
        prices: of CPU and memory.
    """
    marginal, paid = cpu_seconds * prices.vcpu_hour / 3600, server_seconds * prices.per_second(prices.server)
    return ServingCost(marginal=1000 * marginal / rows, paid=1000 * paid / rows)
