# Managed by copier-mlops: an update merges with your edits.
"""The inputs of the model: rows of any origin reach it with the types and missing values that training had.

Training, evaluation, batch prediction, ONNX export and the server all use `Inputs`. To the model a value is missing in one
way only, whether it was null in JSON, NaN, NA, NaT or None in a table, or a column that was left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from .column_types import TEXT, example, kind_of, unify_type
from .errors import UserError
from .io import read_json, write_json
from .paths import INPUTS

Type = Literal["double", "float", "long", "integer", "boolean", "string", "datetime"]  # as MLflow calls them
DTYPES = {
    "double": "f8",
    "float": "f4",
    "long": "i8",
    "integer": "i8",
    "boolean": "?",
    "string": "O",
    "datetime": "M8[us]",
}
KINDS = {**dict.fromkeys(DTYPES, "numbers"), "boolean": "booleans", "string": "text", "datetime": "times"}
NAN = float("nan")


@dataclass(frozen=True)
class Column:
    """A feature column, as it was in training."""

    name: str
    type: Type
    required: bool = True  # else values may be missing, or the whole column
    zone: str | None = None  # of times
    categories: list[str] | None = None  # any other text counts as missing
    ordered: bool = False

    @classmethod
    def of(cls, values: pd.Series, name: str) -> Self:
        """Return the description of a column of the training data."""
        values = unify_type(values, name)
        required, dtype = not values.hasnans, values.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return cls(name, "string", required, None, dtype.categories.tolist(), bool(dtype.ordered))
        if isinstance(dtype, pd.DatetimeTZDtype):
            return cls(name, "datetime", required, str(dtype.tz))
        types: dict[str | None, Type] = {"booleans": "boolean", "text": "string", "times": "datetime"}
        number: Type = "float" if dtype == "float32" else "double"  # whole numbers, too: they may be missing later
        return cls(name, types.get(kind_of(values), number), required)

    @cached_property
    def dtype(self) -> str:
        """The NumPy type of its values; where they may be missing, booleans and whole numbers are floats."""
        dtype = DTYPES[self.type]
        return "f8" if dtype in ("?", "i8") and not self.required else dtype

    def array(self, values: Any, dtype: Any = None) -> np.ndarray:
        """Return values as NumPy holds them, times in UTC; all that are missing are NaN or NaT.

        Args:
            values: of this column's type, or None where they are missing; or a column that has been unified.
            dtype: another type than that of training.
        """
        if isinstance(values, pd.Series):
            values = _plain(values)
        elif self.zone:
            values = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values]
        if self.categories is not None:
            known = {*self.categories}
            values = [value if value in known else NAN for value in values]
        elif self.type == "string" and not self.required:
            values = [NAN if value is None else value for value in values]
        if self.type == "datetime":
            return np.array(values, self.dtype).astype(dtype or self.dtype)
        return np.array(values, dtype or self.dtype)

    def series(self, values: Any) -> Any:
        """Return values as a data frame of training holds them."""
        array = self.array(values)
        if self.categories is not None:
            dtype = pd.CategoricalDtype(self.categories, self.ordered)
            return pd.Categorical.from_codes(dtype.categories.get_indexer(pd.Index(array)).tolist(), dtype=dtype)
        if self.zone:
            return pd.DatetimeIndex(array, tz="UTC").tz_convert(self.zone)
        if self.type == "string" and not isinstance(next(iter(array), None), str):
            return pd.array(array, TEXT)  # pandas would not recognize text
        return array

    def to_json(self, values: pd.Series | list[None]) -> list[Any]:
        """Return what `check` returned as JSON has it."""
        if isinstance(values, list):
            return values
        if self.type == "datetime":
            values = values.dt.tz_convert("UTC") if self.zone else values
            values = values.map(pd.Timestamp.isoformat, na_action="ignore")
        return [None if absent else value for value, absent in zip(values.tolist(), values.isna(), strict=True)]

    def check(self, table: pd.DataFrame) -> pd.Series | list[None]:
        """Return this column of a table, valid for `array`.

        Raises:
            UserError: it is absent or has missing values although training had none, or is of another type.
        """
        if self.name not in table:
            if self.required:
                raise UserError(f"{self.name}: the column is missing")
            return [None] * len(table)
        values = table[self.name]
        if isinstance(values, pd.DataFrame):
            raise UserError(f"{self.name}: two columns have this name: rename or drop one")
        values = unify_type(values, self.name)
        if self.required and values.hasnans:
            count = int(values.isna().sum())
            raise UserError(f"{self.name}: {count} of {len(values)} values are missing, but none was in training")
        return [None] * len(values) if values.isna().all() else self._converted(values)

    def _converted(self, values: pd.Series) -> pd.Series:
        found, expected = kind_of(values), KINDS[self.type]
        if isinstance(values.dtype, pd.CategoricalDtype):
            found = "text"
        if expected == "times" and found == "text":
            try:
                values, found = unify_type(pd.to_datetime(values, format="ISO8601"), self.name), "times"
            except ValueError:
                found = "text that is no time such as 2026-01-31T12:00:00"
        if expected == "times" == found and isinstance(values.dtype, pd.DatetimeTZDtype) != bool(self.zone):
            expected, found = ("times with a zone", "none") if self.zone else ("times without a zone", "one")
        if found != expected:
            raise UserError(f"{self.name}: expected {expected}, found {found}, such as {example(values)}")
        return values


@dataclass(frozen=True)
class Inputs:
    """The feature columns of a model, in the order of training."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, *tables: pd.DataFrame) -> Self:
        """Return the columns of feature tables. A value may be missing where one is missing in any of them."""
        return cls(tuple(Column.of(pd.concat([table[name] for table in tables]), str(name)) for name in tables[0]))

    @classmethod
    def read(cls) -> Self:
        """Return the inputs of the trained model."""
        return cls.from_records(read_json(INPUTS))

    def write(self) -> None:
        """Write `models/inputs.json`."""
        write_json(self.records(), INPUTS)

    @classmethod
    def from_records(cls, records: Sequence[Mapping[str, Any]]) -> Self:
        """Return the inputs that `records` described."""
        return cls(tuple(Column(**record) for record in records))

    def records(self) -> list[dict[str, Any]]:
        """Return a description of each column that JSON can hold."""
        return [asdict(column) for column in self.columns]

    def from_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table, whose columns `check` accepts, as the model reads them; others are ignored.

        Raises:
            UserError: a column is absent or has missing values although training had none, or is of another type.
        """
        return self.frame({column.name: column.check(table) for column in self.columns}).set_index(table.index)

    def to_rows(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """Return the same rows as JSON has them: null for a missing value, a time as ISO 8601 writes it.

        Raises:
            UserError: a column is absent or has missing values although training had none, or is of another type.
        """
        names = [column.name for column in self.columns]
        values = [column.to_json(column.check(table)) for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def frame(self, values: Mapping[str, Any]) -> pd.DataFrame:
        """Return rows as the model reads them, from values by column that are valid for `Column.array`."""
        return pd.DataFrame({column.name: column.series(values[column.name]) for column in self.columns}, copy=False)


def _plain(values: pd.Series) -> np.ndarray:
    """Return a unified column as NumPy holds it, times in UTC."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    return values.to_numpy("f8", na_value=NAN) if values.dtype == "boolean" else values.to_numpy()
