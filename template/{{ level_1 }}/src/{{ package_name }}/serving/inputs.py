# Managed by copier-mlops: an update merges with your edits.
"""From JSON to the columns that a model reads: pydantic checks each value against the model's signature."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

Columns = Mapping[str, Sequence[Any] | np.ndarray]  # each with a value for each row; None where it is missing
Tensor = dict[str, Any]


class RequestError(Exception):
    """Says in a line what is wrong with a request."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class Kind:
    """A type of the signature: in JSON, in NumPy, in NumPy if a value is missing, and in the protocol."""

    values: CoreSchema
    dtype: Any
    dtype_if_missing: Any
    datatype: str
    families: frozenset[str]  # of the protocol's datatypes that may stand for it

    def is_written_as(self, datatype: str) -> bool:
        """Tell whether a tensor of this datatype may hold such values."""
        return datatype.rstrip("0123456789") in self.families


_TEXT = schema.str_schema(strict=True)  # strict: nothing is taken for something else
_INT64 = schema.int_schema(strict=True, ge=-(2**63), lt=2**63)
_FIRST, _END = datetime(1678, 1, 1), datetime(2262, 1, 1)  # NumPy turns other times into wrong ones
_TIME = schema.chain_schema([_TEXT, schema.datetime_schema(tz_constraint="naive", ge=_FIRST, lt=_END)])
_FLOAT = schema.float_schema(strict=True, allow_inf_nan=False)
_NUMBER = Kind(_FLOAT, "f8", "f8", "FP64", frozenset({"FP", "INT", "UINT"}))
_INTEGER = Kind(_INT64, "i8", "f8", "INT64", frozenset({"INT", "UINT"}))
KINDS = {
    "double": _NUMBER,
    "float": _NUMBER,
    "long": _INTEGER,
    "integer": _INTEGER,
    "boolean": Kind(schema.bool_schema(strict=True), "?", "O", "BOOL", frozenset({"BOOL"})),
    "string": Kind(_TEXT, "O", "O", "BYTES", frozenset({"BYTES"})),
    "datetime": Kind(_TIME, "M8[ns]", "M8[ns]", "BYTES", frozenset({"BYTES"})),
}


@dataclass(frozen=True)
class Column:
    """A column of a model's signature."""

    name: str
    kind: Kind
    required: bool  # else a value may be null, or left out

    @property
    def dtype(self) -> Any:
        """The type of its arrays."""
        return self.kind.dtype if self.required else self.kind.dtype_if_missing

    @property
    def value(self) -> CoreSchema:
        """What JSON may hold."""
        if self.required:
            return self.kind.values
        return schema.with_default_schema(schema.nullable_schema(self.kind.values), default=None)


class Inputs:
    """Reads what a model predicts from requests."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = {column.name: column for column in columns}
        row = {each.name: _field(each.value, each.required) for each in columns}
        values = {each.name: _field(_list_of(each.value), each.required) for each in columns}
        self.rows_schema = _object(rows=_field(_list_of(_object("forbid", **row), min_length=1)))
        self._rows = SchemaValidator(self.rows_schema)
        self._values = SchemaValidator(_object("forbid", **values))

    def of_rows(self, body: bytes, max_rows: int) -> Columns:
        """Return the columns of rows, each of which names its columns.

        Raises:
            RequestError: there are no rows, or too many, or a column or value is not of the signature.
        """
        rows = checked(self._rows.validate_json, body)["rows"]
        _check_rows(len(rows), max_rows)
        return {name: [row[name] for row in rows] for name in self.columns}

    def of_tensors(self, tensors: list[Tensor], max_rows: int) -> Columns:
        """Return the columns of the protocol's tensors: one for each column, of shape [rows] or [rows, 1].

        Raises:
            RequestError: tensors differ in rows, there are too many, or a tensor or value is not of the signature.
        """
        values = {tensor["name"]: _flat(tensor) for tensor in tensors}
        sizes = {name: len(flat) for name, flat in values.items()}
        if len({*sizes.values()}) > 1:
            raise RequestError(422, f"inputs: tensors differ in their number of rows: {_shown(sizes)}")
        count = next(iter(sizes.values()), 0)
        _check_rows(count, max_rows)
        found = checked(self._values.validate_python, values)
        for tensor in tensors:
            kind, datatype = self.columns[tensor["name"]].kind, tensor["datatype"]
            if not kind.is_written_as(datatype):
                said = f"expected datatype {kind.datatype}, found {_shown(datatype)}"
                raise RequestError(422, f"{tensor['name']}: {said}")
        return {name: found.get(name, [None] * count) for name in self.columns}


def checked(read: Any, content: Any) -> Any:
    """Return what pydantic reads.

    Raises:
        RequestError: it does not fit.
    """
    try:
        return read(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:
        raise RequestError(400, f"body: {first['msg']}")
    problem, value = first["msg"], first["input"]
    if first["type"] == "extra_forbidden":
        problem = "the model has no such column"
    elif not isinstance(value, dict | list):
        problem = f"{problem}, found {_shown(value)}"
    raise RequestError(422, f"{'.'.join(map(str, first['loc']))}: {problem}")


def _object(extra: Literal["ignore", "forbid"] = "ignore", /, **fields: schema.TypedDictField) -> CoreSchema:
    return schema.typed_dict_schema(fields, extra_behavior=extra)


def _field(value: CoreSchema, required: bool = True) -> schema.TypedDictField:
    return schema.typed_dict_field(value, required=required)


def _list_of(items: CoreSchema | None = None, min_length: int = 0) -> CoreSchema:
    """Return a list in which the first mistake ends the search."""
    return schema.list_schema(items, strict=True, fail_fast=True, min_length=min_length)


_TENSOR = _object(
    name=_field(_TEXT),
    shape=_field(_list_of(_INT64)),
    datatype=_field(_TEXT),
    data=_field(_list_of()),
)
TENSORS = _object(
    id=_field(_TEXT, required=False),
    inputs=_field(_list_of(_TENSOR)),
    outputs=_field(_list_of(_object(name=_field(_TEXT))), required=False),
)
PROTOCOL = SchemaValidator(TENSORS)


def _check_rows(count: int, most: int) -> None:
    if count == 0:
        raise RequestError(422, "there is no row")
    if count > most:
        raise RequestError(413, f"{count} rows are more than the {most} that serving.yaml allows")


def _flat(tensor: Tensor) -> list[Any]:
    """Return the values of a tensor, which may be nested as its shape says."""
    data, shape = tensor["data"], tensor["shape"]
    if shape == [len(data)]:
        return data
    flat = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if shape != [len(flat), 1]:
        problem = f"shape {_shown(shape)} is not that of a column of {len(flat)} values"
        raise RequestError(422, f"{tensor['name']}: {problem}")
    return flat


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:40]}…"
