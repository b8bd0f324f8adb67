# Managed by copier-mlops: an update merges with your edits.
"""Feast's types for the columns of a table."""

import pandas as pd
from feast import Field, ValueType
from feast.types import Bool, Float64, Int64, String


def fields(table: pd.DataFrame) -> list[Field]:
    """Return a field for each column of numbers, booleans or text; times are left out."""
    found = {str(name): _type(column) for name, column in table.items()}
    return [Field(name=name, dtype=dtype) for name, dtype in found.items() if dtype is not None]


def key_type(column: pd.Series) -> ValueType:
    """Return the type of the keys of entities: whole numbers or text."""
    return ValueType.INT64 if pd.api.types.is_integer_dtype(column) else ValueType.STRING


def _type(column: pd.Series) -> object | None:
    if pd.api.types.is_bool_dtype(column):
        return Bool
    if pd.api.types.is_integer_dtype(column):
        return Int64
    if pd.api.types.is_numeric_dtype(column):
        return Float64
    return None if pd.api.types.is_datetime64_any_dtype(column) else String
