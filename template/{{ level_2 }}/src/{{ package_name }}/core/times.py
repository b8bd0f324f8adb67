# Managed by copier-mlops: an update merges with your edits.
"""Times as other systems write them."""

from contextlib import suppress

import pandas as pd

from .column_types import example, kind_of
from .errors import UserError


def in_utc(column: pd.Series, name: str) -> pd.Series:
    """Return times in UTC; those without a zone are. Text is one as ISO 8601 writes it, since 05/03 is in March or in May.

    Raises:
        UserError: a value is no time.
    """
    there, kind = column.dropna(), kind_of(column)
    form = "ISO8601" if kind == "text" else None
    if there.empty or kind != "numbers":
        with suppress(ValueError, TypeError):
            return pd.to_datetime(column, utc=True, format=form).dt.as_unit("us")
        there = there[pd.to_datetime(there, utc=True, format=form, errors="coerce").isna()]
    raise UserError(f"{name}: expected times such as 2026-01-31T12:00:00, found {example(there)}")
