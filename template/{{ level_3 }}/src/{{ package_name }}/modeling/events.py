"""Simulated purchases of the example's customers, for `poe find-features`. Yours to delete."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..core.io import read_table, write_table
from ..core.paths import RAW

PATH = Path("data/events.parquet")
BEFORE, AFTER = 120, 60  # days around the time of a customer's row
PURCHASES = 48  # of a customer, on average
FADING = 30  # days before the row in which some customers buy less


def simulate(customers: pd.DataFrame, seed: int = 7) -> pd.DataFrame:
    """Return the purchases of customers before and after the time of their row, in order of time.

    Most of those who leave buy less in the weeks before, and few of those who stay; who has left buys nothing.
    """
    rng = np.random.default_rng(seed)
    leaves = customers["churned"].to_numpy() == 1
    fades = rng.random(len(customers)) < np.where(leaves, 0.8, 0.06)
    customer = np.repeat(np.arange(len(customers)), rng.poisson(PURCHASES, len(customers)))
    day = rng.uniform(-BEFORE, AFTER, len(customer))
    fading = fades[customer] & (day > -FADING)
    happens = (~fading | (rng.random(len(customer)) < 0.35)) & ~(leaves[customer] & (day >= 0))
    events = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy()[customer],
            "time": customers["event_timestamp"].to_numpy()[customer] + (day * 86_400e6).astype("timedelta64[us]"),
            "amount": (rng.gamma(2, 15, len(customer)) * np.where(fading, 0.7, 1)).round(2),
            "queue_seconds": rng.gamma(2, 20, len(customer)).round(),  # tells nothing
        }
    )
    return events[happens].sort_values("time", ignore_index=True)


if __name__ == "__main__":
    found = simulate(read_table(RAW))
    write_table(found, PATH)
    print(f"{PATH}: {len(found):,} purchases of {found['customer_id'].nunique():,} customers")
