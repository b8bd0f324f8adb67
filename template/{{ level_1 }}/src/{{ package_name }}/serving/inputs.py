# Managed by copier-mlops: an update merges with your edits.
"""From JSON to the columns that a model reads: each value is checked, and the first that does not fit is named."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import orjson

Columns = dict[str, np.ndarray]  # each of shape (rows,): float64, int64, bool, datetime64[ns], or object for texts


class RequestError(Exception):
    """Says in a line what is wrong with a request."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class NotANumber(str):
    """What stands for a number where JSON has none: NaN, Infinity, or one too large for a float."""


@dataclass(frozen=True)
class Kind:
    """A type of the signature: what it is in words, in JSON, in NumPy, in NumPy if a value is missing, in the protocol."""

    name: str
    json: frozenset[type]
    dtype: Any
    dtype_if_missing: Any
    datatype: str
    families: frozenset[str]  # of the protocol's datatypes that may stand for it

    def is_written_as(self, datatype: Any) -> bool:
        """Tell whether a tensor of this datatype may hold such values."""
        return str(datatype).rstrip("0123456789") in self.families


_NUMBER = Kind("a number", frozenset({int, float}), np.float64, np.float64, "FP64", frozenset({"FP", "INT", "UINT"}))
_INTEGER = Kind("an integer", frozenset({int}), np.int64, np.float64, "INT64", frozenset({"INT", "UINT"}))
KINDS = {
    "double": _NUMBER,
    "float": _NUMBER,
    "long": _INTEGER,
    "integer": _INTEGER,
    "boolean": Kind("true or false", frozenset({bool}), np.bool_, object, "BOOL", frozenset({"BOOL"})),
    "string": Kind("a text", frozenset({str}), object, object, "BYTES", frozenset({"BYTES"})),
    "datetime": Kind(
        "a time such as 2026-01-31T12:00", frozenset({str}), "M8[ns]", "M8[ns]", "BYTES", frozenset({"BYTES"})
    ),
}


@dataclass(frozen=True)
class Column:
    """A column of a model's signature."""

    name: str
    kind: Kind
    required: bool  # else a value may be null, or left out

    @cached_property
    def _types(self) -> frozenset[type]:
        return self.kind.json if self.required else self.kind.json | {type(None)}

    @cached_property
    def _dtype(self) -> Any:
        return self.kind.dtype if self.required else self.kind.dtype_if_missing

    def array(self, values: list[Any]) -> np.ndarray:
        """Return checked values, shape (rows,).

        Raises:
            RequestError: a value is of another type, is missing, or is too large.
        """
        if not self._types.issuperset(map(type, values)):
            row, value = next((row, value) for row, value in enumerate(values) if type(value) not in self._types)
            raise RequestError(422, f"{self.name}, row {row}: expected {self.kind.name}, found {_shown(value)}")
        try:
            return np.array(values, self._dtype)
        except (ValueError, OverflowError) as error:
            raise RequestError(422, f"{self.name}: expected {self.kind.name}: {error}") from error


def decode(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`.

    Raises:
        RequestError: it is none.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = _decode_leniently(body)
    if not isinstance(content, dict):
        raise RequestError(400, "the body must be a JSON object")
    return content


def columns_of_rows(rows: Any, columns: Sequence[Column], max_rows: int) -> Columns:
    """Return the columns of rows, each of which names its columns.

    Raises:
        RequestError: there are no rows, or too many, or a column or value is not of the signature.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RequestError(422, 'rows: expected a list such as [{"column": 1}]')
    _check_rows(len(rows), max_rows)
    known = {column.name: column for column in columns}
    if unknown := set(chain.from_iterable(rows)) - known.keys():
        number, name = next((number, name) for number, row in enumerate(rows) for name in row if name in unknown)
        raise RequestError(422, f"{name}, row {number}: the model has no such column; it has {', '.join(known)}")
    return {column.name: column.array(_values(rows, column)) for column in columns}


def columns_of_tensors(tensors: Any, columns: Sequence[Column], max_rows: int) -> Columns:
    """Return the columns of the protocol's tensors: one for each column, of shape [rows] or [rows, 1].

    Raises:
        RequestError: tensors differ in rows, there are too many, or a tensor or value is not of the signature.
    """
    try:
        named = {tensor["name"]: tensor for tensor in tensors}
    except (TypeError, KeyError):
        raise RequestError(422, 'inputs: expected a list of tensors such as {"name": "column", …}') from None
    known = {column.name: column for column in columns}
    if unknown := [name for name in named if name not in known]:
        raise RequestError(422, f"{unknown[0]}: the model has no such input; it has {', '.join(known)}")
    values = {name: _flat(tensor, known[name]) for name, tensor in named.items()}
    sizes = {name: len(flat) for name, flat in values.items()}
    if len(set(sizes.values())) > 1:
        raise RequestError(422, f"inputs: tensors differ in their number of rows: {sizes}")
    count = next(iter(sizes.values()), 0)
    _check_rows(count, max_rows)
    if absent := [column.name for column in columns if column.required and column.name not in values]:
        raise RequestError(422, f"{absent[0]}: the input is missing")
    return {column.name: column.array(values.get(column.name, [None] * count)) for column in columns}


def _decode_leniently(body: bytes) -> Any:
    """Decode what Python takes for JSON and others do not, so that the value in the way can be named."""
    try:
        return json.loads(body, parse_constant=NotANumber, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is not JSON: {error}") from error


def _finite(text: str) -> float | NotANumber:
    number = float(text)
    return number if math.isfinite(number) else NotANumber(text)


def _check_rows(count: int, most: int) -> None:
    if count == 0:
        raise RequestError(422, "there is no row")
    if count > most:
        raise RequestError(413, f"{count} rows are more than the {most} that serving.yaml allows")


def _values(rows: list[dict[str, Any]], column: Column) -> list[Any]:
    try:
        return [row[column.name] for row in rows]
    except KeyError:
        if column.required:
            number = next(number for number, row in enumerate(rows) if column.name not in row)
            raise RequestError(422, f"{column.name}, row {number}: the column is missing") from None
        return [row.get(column.name) for row in rows]


def _flat(tensor: dict[str, Any], column: Column) -> list[Any]:
    """Return the values of a tensor, which may be nested as its shape says."""
    datatype, shape, data = tensor.get("datatype"), tensor.get("shape"), tensor.get("data")
    if not column.kind.is_written_as(datatype):
        raise RequestError(422, f"{column.name}: expected datatype {column.kind.datatype}, found {_shown(datatype)}")
    if not isinstance(data, list):
        raise RequestError(422, f"{column.name}: expected data as a JSON list")
    flat = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if shape not in ([len(flat)], [len(flat), 1]):
        raise RequestError(422, f"{column.name}: shape {_shown(shape)} is not that of a column of {len(flat)} values")
    return flat


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, NotANumber) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:40]}…"
