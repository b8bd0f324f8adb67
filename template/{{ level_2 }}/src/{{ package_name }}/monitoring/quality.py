# Managed by copier-mlops: an update merges with your edits.
"""Data quality of a batch: what no statistical test is needed for."""

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from .result import ColumnQuality, Quality


def check_quality(reference: pd.DataFrame, batch: pd.DataFrame, max_out_of_range: float) -> Quality:
    """Return what is unusual about each feature of a batch, compared with those that the model was made from.

    `max_out_of_range` is the share of the rows whose numbers may be beyond the reference.
    """
    columns = [_column(reference[name], batch[name]) for name in reference]
    problems = []
    for one in columns:
        if one.missing == 1 and one.missing_in_reference < 1:
            problems.append(f"{one.name}: all values are missing")
        elif batch[one.name].nunique() == 1 and reference[one.name].nunique() > 1:
            problems.append(f"{one.name}: all values are {batch[one.name].dropna().iloc[0]}")
        if one.out_of_range > max_out_of_range:
            problems.append(f"{one.name}: {one.out_of_range:.1%} of the numbers are beyond those of the reference")
    return Quality(alarm=bool(problems), problems=problems, columns=columns)


def unusual(reference: pd.Series, batch: pd.Series) -> pd.Series:
    """Return which values are beyond the range of the reference, or are texts that it lacks."""
    there = batch.notna()
    if is_bool_dtype(reference):
        return there & False
    if is_numeric_dtype(reference) or is_datetime64_any_dtype(reference):
        return there & ~batch.between(reference.min(), reference.max())
    return there & ~batch.isin(reference.unique())


def _column(reference: pd.Series, batch: pd.Series) -> ColumnQuality:
    share, number = float(unusual(reference, batch).mean()), is_numeric_dtype(reference)
    return ColumnQuality(
        name=str(reference.name),
        missing=float(batch.isna().mean()),
        missing_in_reference=float(reference.isna().mean()),
        out_of_range=share if number else 0.0,
        unknown=0.0 if number or is_datetime64_any_dtype(reference) else share,
    )
