# Managed by copier-mlops: an update merges with your edits.
"""Checks that the raw data is what the constants of `modeling/data.py` promise."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..core.column_types import example, kind_of, unify_types
from ..core.errors import UserError
from ..modeling import data
from .metrics import checked_target

MANY_TEXTS = 100


def checked(frame: Any) -> pd.DataFrame:
    """Return the table that `data.ingest` returned, with unified types; print if entity and time do not identify a row.

    Raises:
        UserError: a constant does not fit the table; names both.
    """
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise UserError(f"data.py: ingest returned {'no row' if isinstance(frame, pd.DataFrame) else type(frame)}")
    frame = unify_types(frame)
    _check_names(frame)
    for constant in ("ENTITY", "TIMESTAMP", "TARGET", "VALUE"):
        if missing := int(frame[getattr(data, constant)].isna().sum()):
            raise _error(constant, f"{missing} of {len(frame)} values are missing: drop or fill these rows in ingest")
    frame[data.TARGET] = checked_target(frame[data.TARGET])
    _check_kind(
        frame, "TIMESTAMP", "times", "pd.to_datetime makes them, with format= or unit= for how they are written"
    )
    _check_kind(frame, "VALUE", "numbers", "a value is an amount, such as 1.0")
    _check_features(frame)
    if repeated := int(frame.duplicated([data.ENTITY, data.TIMESTAMP]).sum()):
        print(f"  {repeated} of {len(frame)} rows have the {data.ENTITY} and {data.TIMESTAMP} of an earlier row")
    return frame


def _check_names(frame: pd.DataFrame) -> None:
    for constant in ("ENTITY", "TIMESTAMP", "TARGET", "VALUE", "KNOWN_LATER", "SLICES"):
        named = getattr(data, constant)
        for name in [named] if isinstance(named, str) else named:
            if name not in frame:
                raise UserError(f"data.py: {constant} names {name}, but ingest returned {', '.join(frame.columns)}")


def _check_kind(frame: pd.DataFrame, constant: str, kind: str, advice: str) -> None:
    column = frame[getattr(data, constant)]
    if (found := kind_of(column)) != kind:
        raise _error(constant, f"expected {kind}, found {found or column.dtype}, such as {example(column)}: {advice}")


def _check_features(frame: pd.DataFrame) -> None:
    features, _ = data.features_and_target(frame)
    for constant in ("TARGET", "VALUE"):
        if getattr(data, constant) in features:
            raise _error(constant, "it is among the features, so the model would learn it: add it to KNOWN_LATER")
    if features.empty:
        raise UserError("data.py: features_and_target returned no feature column")
    if notes := [f"{name} {note}" for name in features for note in _notes(features[name])]:
        print(f"  check that build_features makes sense of them: {'; '.join(notes)}")


def _notes(column: pd.Series) -> Iterator[str]:
    """Yield what is unusual about a feature column."""
    distinct = column.nunique()
    if distinct < 2:
        yield "has one value" if distinct else "has no value"
    if kind_of(column) == "text" and distinct > MANY_TEXTS:
        yield f"has {distinct:,} different texts"
    if kind_of(column) == "times":
        yield "holds times"


def _error(constant: str, problem: str) -> UserError:
    return UserError(f"data.py: {constant}, {getattr(data, constant)}: {problem}")
