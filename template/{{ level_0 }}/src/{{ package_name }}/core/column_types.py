# Managed by copier-mlops: an update merges with your edits.
"""One type for each kind of column, whatever the source of a table.

A column holds whole numbers (int64), numbers (float64 or float32), booleans (bool, or boolean if some are missing), text,
times (datetime64[us], with a zone if they have one), or categories of text. A missing value is NaN or NaT, and
NA among booleans.
"""

from typing import Any

import numpy as np
import pandas as pd

from .errors import UserError

TEXT: Any = object if pd.__version__ < "3" else "str"
KINDS = {  # as users call them, by the names of `pandas.api.types.infer_dtype`
    **dict.fromkeys(["integer", "floating", "mixed-integer-float", "decimal", "empty"], "numbers"),
    "boolean": "booleans",
    "string": "text",
    **dict.fromkeys(["datetime64", "datetime", "date"], "times"),
}


def unify_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns have distinct texts as names and the types above.

    Raises:
        UserError: two columns have one name, or a column holds values of several kinds, or of a kind that is none of these.
    """
    names = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise UserError(f"{twice[0]}: two columns have this name: rename or drop one")
    columns = {name: unify_type(frame.iloc[:, number], name) for number, name in enumerate(names)}
    return pd.DataFrame(columns, index=frame.index)


def unify_type(column: pd.Series, name: str) -> pd.Series:
    """Return a column as one of the types above.

    Raises:
        UserError: it holds values of several kinds, or of a kind that is none of these.
    """
    try:
        return _unified(column)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{name}: {' '.join(str(error).split())}: convert or drop the column") from error


def group_name(value: Any) -> str:
    """Return the name of the rows that have a value in a column of `data.SLICES`: `missing` if they have none."""
    return "missing" if pd.isna(value) else str(value)


def kind_of(column: pd.Series) -> str | None:
    """Return what the values are, missing ones aside: numbers, booleans, text, times, or None for anything else."""
    return KINDS.get(pd.api.types.infer_dtype(column, skipna=True))


def _unified(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _categories(column)
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    if column.dtype == object:
        column = column.where(column.notna(), np.nan)
    kind = kind_of(column)
    if kind == "numbers":
        return _numbers(column)
    if kind == "booleans":
        return column.astype("boolean" if column.hasnans else "bool")
    if kind == "text":
        return column.astype(object).where(column.notna(), np.nan).astype(TEXT)
    if kind == "times":
        zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
        return (column if zoned else pd.to_datetime(column)).dt.as_unit("us")
    found = pd.api.types.infer_dtype(column, skipna=True).partition("-")[0]
    raise TypeError(f"not numbers, booleans, text or times, but {found}, such as {example(column)}")


def example(column: pd.Series) -> str:
    """Return the first value that is not missing, as Python writes it; of texts, the first that is no number if there is one."""
    found = column.dropna()
    if kind_of(found) == "text":
        words = found[pd.to_numeric(found.astype(object), errors="coerce").isna()]
        found = found if words.empty else words
    return f"{found.head(1).tolist()[0]!r:.40}"


def _numbers(column: pd.Series) -> pd.Series:
    if column.dtype == "int64":
        return column
    whole = pd.api.types.infer_dtype(column, skipna=True) == "integer" and not column.hasnans
    if whole and column.min() >= -(2**63) and column.max() < 2**63:
        return column.astype("int64")
    single = str(column.dtype).lower() in ("float16", "float32")
    values = column.to_numpy("float32" if single else "float64", na_value=np.nan)
    if np.isinf(values).any():
        raise ValueError("a value is infinite")
    return pd.Series(values, column.index)


def _categories(column: pd.Series) -> pd.Series:
    """Return categories of text as they are, all others as their values, as Parquet does."""
    categories = _unified(column.cat.categories.to_series())
    if kind_of(categories) != "text":
        return _unified(column.astype(object))
    return column.cat.rename_categories(categories.to_numpy())
