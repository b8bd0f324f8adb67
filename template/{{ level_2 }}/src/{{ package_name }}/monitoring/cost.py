# Managed by copier-mlops: an update merges with your edits.
"""Prints what the last run and the predictions of a running server cost: `poe cost --server URL`."""

import argparse
import time
from collections import Counter
from datetime import UTC, datetime
from math import ceil
from typing import NamedTuple

from ..core.cost import THOUSAND_PREDICTIONS, Machine, Prices, RunCost, serving_cost
from ..core.errors import UserError, exit_on_user_error
from ..core.prometheus import scrape

HEADROOM = 1.5  # what to reserve, as a multiple of what is used
WASTE = 2.0  # advise to reserve less only if this times too much is reserved
STEPS = {"vcpus": 0.05, "gigabytes": 0.0625}  # to which advice is rounded up


class Sample(NamedTuple):
    """The counters of one server at one time."""

    time: float
    cpu_seconds: float
    rows: float
    gigabytes: float


def sample(server: str) -> Sample:
    """Return the counters of a running server.

    Raises:
        UserError: it does not respond, or is not a model server.
    """
    found: Counter[str] = Counter()
    try:
        for one in scrape(server.rstrip("/")):
            found[one.name] += one.value  # pyrefly: ignore
    except (OSError, ValueError) as error:
        raise UserError(f"{server}: {error}: start it by `uv run poe serve`, or name it by --server") from error
    if "process_cpu_seconds_total" not in found:
        raise UserError(f"{server}/metrics has no process_cpu_seconds_total: it is not a model server on Linux")
    cpu, rows, memory = (
        found[name] for name in ("process_cpu_seconds_total", "prediction_value_count", "process_resident_memory_bytes")
    )
    return Sample(time.time(), cpu, rows, memory / 1e9)


def of_server(before: Sample, after: Sample, prices: Prices) -> list[str]:
    """Return what a server's predictions between two samples cost, and which size would fit it."""
    seconds, cpu, rows = after.time - before.time, after.cpu_seconds - before.cpu_seconds, after.rows - before.rows
    lines = [f"server: {rows:.0f} predictions, {cpu:.3g} CPU seconds in {seconds:.0f} s"]
    if not rows:
        return [*lines, "no prediction, so no advice: send requests meanwhile, such as by `uv run poe replay`"]
    cost = serving_cost(rows, cpu, seconds, prices)
    lines.append(f"a thousand predictions: marginal {cost.marginal:.3g}, paid {cost.paid:.3g} {prices.currency}")
    lines += [f"over budget: {line}" for line in prices.exceeded({THOUSAND_PREDICTIONS: cost.paid})]
    return lines + advice({"vcpus": cpu / seconds, "gigabytes": after.gigabytes}, prices.server)


def advice(used: dict[str, float], reserved: Machine) -> list[str]:
    """Return one line for each resource of which a server reserves far more, or less, than it used."""
    lines = []
    for name, step in STEPS.items():
        use, have = used[name], getattr(reserved, name)
        needed = max(1, ceil(use * HEADROOM / step)) * step
        if have > needed * WASTE or have < use:
            change = "reserve less" if have > needed else "reserve more"
            lines.append(f"{change}: {name} {needed:g} in place of {have:g}; the server used {use:.3g}")
    return lines


def main() -> None:
    """Print the costs."""
    parser = argparse.ArgumentParser(prog="poe cost", description=__doc__)
    parser.add_argument("--server", metavar="URL", help="also measure a running server, such as http://localhost:8080")
    parser.add_argument("--seconds", type=float, default=30, help="how long to measure it (default: 30)")
    arguments = parser.parse_args()
    with exit_on_user_error("cost"):
        prices, run = Prices.load(), RunCost.read()
        if run:
            print(f"last run: {run.charged:.3g} {run.currency}; used {run.used:.3g}, rented {run.rented:.3g}")
        else:
            print("no run has recorded its cost: `uv run poe pipeline` does")
        if arguments.server:
            before = sample(arguments.server)
            time.sleep(arguments.seconds)
            print("\n".join(of_server(before, sample(arguments.server), prices)))
        if warning := prices.warning(datetime.now(UTC).date()):
            print(f"warning: {warning}")


if __name__ == "__main__":
    main()
