"""Where the outcomes of predictions come from: yours to change.

`uv run poe labels` calls `outcomes` and stores what it returns, so it may return the same outcomes again and again.
"""

from datetime import datetime
from pathlib import Path

import pandas as pd

from ..core.times import in_utc
from .data import ENTITY, TARGET

TIME = "label_time"  # when the outcome was known
EXPORTS = Path("data/outcomes")  # here, another system writes Parquet files with the columns ENTITY, TIME and TARGET


def outcomes(since: datetime) -> pd.DataFrame:
    """Return the outcomes known since a time in UTC, with the columns ENTITY, TIME and TARGET.

    A corrected outcome has the entity and time of the one that it replaces. A column `data.VALUE` is optional: what the
    row turned out to be worth, for the KPI.
    """
    exports = [pd.read_parquet(path) for path in sorted(EXPORTS.glob("*.parquet"))]
    found = pd.concat(exports, ignore_index=True) if exports else pd.DataFrame(columns=[ENTITY, TIME, TARGET])
    return found[in_utc(found[TIME], TIME) >= since]
