# Managed by copier-mlops: an update merges with your edits.
"""Rows that could have arrived after the last ones, made of the test rows."""

import pandas as pd

from ...core.column_types import kind_of
from ...core.io import read_table
from ...core.paths import RAW, TEST
from ...modeling.data import ENTITY, TIMESTAMP


def next_rows(count: int = 10**9) -> pd.DataFrame:
    """Return test rows of new entities, a moment after the last row of the data."""
    rows = read_table(TEST).head(count).reset_index(drop=True)
    last = read_table(RAW, columns=[TIMESTAMP])[TIMESTAMP].max()
    rows[TIMESTAMP] = last + pd.to_timedelta(rows.index + 1, unit="s")
    numbers = kind_of(rows[ENTITY]) == "numbers"
    rows[ENTITY] = rows[ENTITY] + 10**9 if numbers else "drill-" + rows[ENTITY].astype(str)
    return rows
