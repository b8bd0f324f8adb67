# Managed by copier-mlops: an update merges with your edits.
"""Prints what the last run and the predictions of a running server cost: `poe cost --server URL`."""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.request import urlopen

from ..core.cost import THOUSAND_PREDICTIONS, Machine, Prices, TrainingCost, over_budget, serving_cost
from ..core.errors import UserError, exit_on_user_error

HEADROOM = 1.5  # what to reserve, as a multiple of what is used
STEP_VCPUS, STEP_GIGABYTES = 0.05, 0.0625  # to which advice is rounded up
WASTE = 2.0  # advise only if this times too much is reserved, or too little


@dataclass(frozen=True)
class Sample:
    """The counters of one server at one time."""

    time: float
    cpu_seconds: float
    rows: float
    gigabytes: float

    @classmethod
    def read(cls, server: str) -> Self:
        """Return the counters of a running server.

        Raises:
            UserError: it does not respond, or is not a model server.
        """
        from prometheus_client.parser import text_string_to_metric_families

        try:
            with urlopen(f"{server.rstrip('/')}/metrics", timeout=5) as response:
                text = response.read().decode()
        except (OSError, ValueError) as error:
            raise UserError(f"{server}: {error}: start it by `uv run poe serve`, or name it by --server") from error
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        if "process_cpu_seconds_total" not in found:
            raise UserError(f"{server}/metrics has no process_cpu_seconds_total: it is not a model server on Linux")
        memory = found["process_resident_memory_bytes"] / 1e9
        return cls(time.time(), found["process_cpu_seconds_total"], found.get("prediction_value_count", 0.0), memory)


def advice(used: Machine, reserved: Machine) -> list[str]:
    """Return one line for each resource of which a server reserves far more, or less, than it used."""
    lines = []
    for name, step in (("vcpus", STEP_VCPUS), ("gigabytes", STEP_GIGABYTES)):
        use, have = getattr(used, name), getattr(reserved, name)
        needed = max(step, -(-use * HEADROOM // step) * step)
        if have > needed * WASTE or have < use:
            change = "reserve less" if have > needed else "reserve more"
            lines.append(f"{change}: {name} {needed:g} in place of {have:g}; the server used {use:.3g}")
    return lines


def of_server(before: Sample, after: Sample, prices: Prices) -> list[str]:
    """Return what a server's predictions between two samples cost, and which size would fit it."""
    seconds, cpu = after.time - before.time, after.cpu_seconds - before.cpu_seconds
    rows = after.rows - before.rows
    lines = [f"server: {rows:.0f} predictions, {cpu:.3g} CPU seconds in {seconds:.0f} s"]
    if cost := serving_cost(cpu, rows, seconds, prices):
        lines.append(f"  a thousand predictions: marginal {cost.marginal:.3g}, paid {cost.paid:.3g} {prices.currency}")
        if problem := over_budget(THOUSAND_PREDICTIONS, cost.paid, prices):
            lines.append(f"  over budget: {problem}")
    used = Machine(vcpus=max(cpu / seconds, 1e-6), gigabytes=after.gigabytes)
    return lines + [f"  {line}" for line in advice(used, prices.server)]


def of_last_run(cost: TrainingCost | None) -> str:
    """Return what the last run cost."""
    if cost is None:
        return "no run has recorded its cost: `uv run poe pipeline` does"
    return f"last run: {cost.charged:.3g} {cost.currency}; used {cost.used:.3g}, rented {cost.rented:.3g}"


def main() -> None:
    """Print the costs."""
    parser = argparse.ArgumentParser(prog="poe cost", description=__doc__)
    parser.add_argument("--server", metavar="URL", help="also measure a running server, such as http://localhost:8080")
    parser.add_argument("--seconds", type=float, default=30, help="how long to measure it (default: 30)")
    arguments = parser.parse_args()
    with exit_on_user_error("cost"):
        prices = Prices.load()
        print(of_last_run(TrainingCost.read()))
        if arguments.server:
            before = Sample.read(arguments.server)
            time.sleep(arguments.seconds)
            print("\n".join(of_server(before, Sample.read(arguments.server), prices)))
        if warning := prices.warning(datetime.now(UTC).date()):
            print(f"warning: {warning}")


if __name__ == "__main__":
    main()
