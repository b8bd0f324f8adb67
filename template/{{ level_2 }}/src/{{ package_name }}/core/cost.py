# Managed by copier-mlops: an update merges with your edits.
"""What a training run and a prediction cost, by the prices in `config/cost.yaml`.

Two prices each, because they answer different questions: what was used, which falls when the code gets faster, and what
is paid for, which falls only with fewer or smaller machines.
"""

import os
import sys
import time
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat

from .io import read_json, write_json
from .paths import REPORTS
from .settings import Settings
from .thresholds import Thresholds, check_names, metric_of, misses

PATH = REPORTS / "cost.json"
OLD_PRICES_DAYS = 180
TRAINING_RUN, THOUSAND_PREDICTIONS = "training_run", "thousand_predictions"  # what a budget can limit
SHELLS = {"sh", "dash", "bash", "zsh"}


class Machine(BaseModel, extra="forbid", frozen=True):
    """What a machine, or the share of one that a container reserves, consists of."""

    vcpus: PositiveFloat
    gigabytes: PositiveFloat


class TrainingMachine(Machine, frozen=True):
    """Where training runs, and whether it pays for all of the machine or for what it uses."""

    machine: Literal["shared", "rented"]
    spot_discount: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Prices(Settings, env_prefix="COST_"):
    """The schema of `config/cost.yaml`."""

    currency: str
    as_of: date
    source: str
    vcpu_hour: NonNegativeFloat
    gigabyte_hour: NonNegativeFloat
    training: TrainingMachine
    server: Machine
    budget: Thresholds

    def per_second(self, machine: Machine) -> float:
        """Return the price of a machine."""
        return (machine.vcpus * self.vcpu_hour + machine.gigabytes * self.gigabyte_hour) / 3600

    def warning(self, today: date) -> str | None:
        """Return a line if the prices are too old to rely on, else None."""
        days = (today - self.as_of).days
        return f"the prices in {self.path()} are {days} days old" if days > OLD_PRICES_DAYS else None


class Usage(BaseModel, frozen=True):
    """What a run has used of its machine."""

    wall_seconds: float
    cpu_seconds: float
    gigabytes: float  # of memory, at the most


class TrainingCost(BaseModel, frozen=True):
    """What a run costs, in the currency of the prices."""

    used: float  # CPU seconds and memory
    rented: float  # the whole machine as long as the run took
    charged: float  # that of the two which `training.machine` selects
    usage: Usage
    currency: str
    as_of: date  # day of the prices

    @classmethod
    def read(cls) -> Self | None:
        """Return the cost of the last run, or None if none was recorded."""
        return cls(**read_json(PATH)) if PATH.exists() else None

    def write(self) -> None:
        """Write `reports/cost.json`."""
        write_json(self.model_dump(mode="json"), PATH)


@dataclass(frozen=True)
class ServingCost:
    """What a thousand predictions cost."""

    marginal: float  # the CPU time that they took
    paid: float  # the servers that ran meanwhile, idle or not


def training_cost(usage: Usage, prices: Prices) -> TrainingCost:
    """Return what a run costs."""
    paying = 1 - prices.training.spot_discount
    memory = usage.gigabytes * usage.wall_seconds * prices.gigabyte_hour
    used = paying * (usage.cpu_seconds * prices.vcpu_hour + memory) / 3600
    rented = paying * usage.wall_seconds * prices.per_second(prices.training)
    charged = rented if prices.training.machine == "rented" else used
    return TrainingCost(
        used=used, rented=rented, charged=charged, usage=usage, currency=prices.currency, as_of=prices.as_of
    )


def serving_cost(cpu_seconds: float, rows: float, server_seconds: float, prices: Prices) -> ServingCost | None:
    """Return what a thousand predictions cost, or None if there was none.

    Args:
        cpu_seconds: that all servers used.
        rows: that they predicted meanwhile.
        server_seconds: the sum of the times that each server ran.
        prices: of CPU and memory.
    """
    if not rows:
        return None
    marginal = cpu_seconds * prices.vcpu_hour / 3600
    return ServingCost(1000 * marginal / rows, 1000 * server_seconds * prices.per_second(prices.server) / rows)


def over_budget(name: str, cost: float, prices: Prices) -> str | None:
    """Return a line if a cost is over its budget, else None.

    Raises:
        UserError: `budget` limits something that has no cost here.
    """
    check_names(prices.budget, (TRAINING_RUN, THOUSAND_PREDICTIONS), f"{prices.path()}: budget")
    for threshold, limit in prices.budget.items():
        if metric_of(threshold) == name and misses(cost, threshold, limit):
            return f"{name} costs {cost:.4g} {prices.currency}, which misses {threshold} {limit:g} in {prices.path()}"
    return None


def pipeline_usage() -> Usage:
    """Return what this process, and the stages that DVC ran before it, have used so far.

    DVC runs stages as its children, one after another, and an operating system adds what a finished child used to its
    parent. A stage that DVC found up to date cost nothing this time. Memory is that of this process.
    """
    import psutil

    process = psutil.Process()
    used, since = _cpu_seconds(process), process.create_time()
    if "DVC_STAGE" in os.environ:
        dvc = next(parent for parent in process.parents() if parent.name() not in SHELLS)
        times = dvc.cpu_times()
        used += times.children_user + times.children_system
        since = dvc.create_time()
    return Usage(wall_seconds=time.time() - since, cpu_seconds=used, gigabytes=_peak_gigabytes())


def _cpu_seconds(process: Any) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _peak_gigabytes() -> float:
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
