# Managed by copier-mlops: an update merges with your edits.
"""From JSON to the columns that a model reads: pydantic checks each value against the model's signature."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

Columns = Mapping[str, Sequence[Any] | np.ndarray]  # a value for each row, None where it is missing
Tensor = dict[str, Any]


class RequestError(Exception):
    """Describes in one line what is wrong with a request."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class ColumnType:
    """A type of the signature: in JSON, in NumPy, in NumPy if a value is missing, and in the protocol."""

    schema: CoreSchema
    dtype: Any
    dtype_if_missing: Any
    datatype: str
    families: frozenset[str]  # datatypes of the protocol that may hold such values, without their number of bits

    def accepts(self, datatype: str) -> bool:
        """Return whether a tensor of this datatype may hold such values."""
        return datatype.rstrip("0123456789") in self.families


_TEXT = schema.str_schema(strict=True)  # strict: a value of another type is an error, not converted
_INT64 = schema.int_schema(strict=True, ge=-(2**63), lt=2**63)
_FIRST, _END = datetime(1678, 1, 1), datetime(2262, 1, 1)  # outside, NumPy overflows silently
_TIME = schema.chain_schema([_TEXT, schema.datetime_schema(tz_constraint="naive", ge=_FIRST, lt=_END)])
_FLOAT = schema.float_schema(strict=True, allow_inf_nan=False)
_NUMBER = ColumnType(_FLOAT, "f8", "f8", "FP64", frozenset({"FP", "INT", "UINT"}))
_INTEGER = ColumnType(_INT64, "i8", "f8", "INT64", frozenset({"INT", "UINT"}))
COLUMN_TYPES = {
    "double": _NUMBER,
    "float": _NUMBER,
    "long": _INTEGER,
    "integer": _INTEGER,
    "boolean": ColumnType(schema.bool_schema(strict=True), "?", "O", "BOOL", frozenset({"BOOL"})),
    "string": ColumnType(_TEXT, "O", "O", "BYTES", frozenset({"BYTES"})),
    "datetime": ColumnType(_TIME, "M8[ns]", "M8[ns]", "BYTES", frozenset({"BYTES"})),
}


@dataclass(frozen=True)
class Column:
    """A column of a model's signature."""

    name: str
    type: ColumnType
    required: bool  # else a value may be null, or left out

    @property
    def dtype(self) -> Any:
        """The NumPy type of its values."""
        return self.type.dtype if self.required else self.type.dtype_if_missing

    @property
    def schema(self) -> CoreSchema:
        """The schema of a value in JSON."""
        if self.required:
            return self.type.schema
        return schema.with_default_schema(schema.nullable_schema(self.type.schema), default=None)


class InputSchema:
    """Validates requests against the signature of one model."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = {column.name: column for column in columns}
        row = {each.name: _field(each.schema, each.required) for each in columns}
        values = {each.name: _field(_list_of(each.schema), each.required) for each in columns}
        self.row_request = _object(rows=_field(_list_of(_object("forbid", **row), min_length=1)))
        self._row_request = SchemaValidator(self.row_request)
        self._values = SchemaValidator(_object("forbid", **values))

    def of_rows(self, body: bytes, max_rows: int) -> Columns:
        """Return the columns of rows, each of which names its columns.

        Raises:
            RequestError: there are no rows, or too many, or a column or value does not fit the signature.
        """
        rows = validate(self._row_request.validate_json, body)["rows"]
        _check_rows(len(rows), max_rows)
        return {name: [row[name] for row in rows] for name in self.columns}

    def of_tensors(self, tensors: list[Tensor], max_rows: int) -> Columns:
        """Return the columns of the protocol's tensors: one for each column, of shape [rows] or [rows, 1].

        Raises:
            RequestError: tensors differ in rows, there are too many, or a tensor or value does not fit the signature.
        """
        values = {tensor["name"]: _flatten(tensor) for tensor in tensors}
        sizes = {name: len(flat) for name, flat in values.items()}
        if len({*sizes.values()}) > 1:
            raise RequestError(422, f"inputs: tensors differ in their number of rows: {_shorten(sizes)}")
        count = next(iter(sizes.values()), 0)
        _check_rows(count, max_rows)
        found = validate(self._values.validate_python, values)
        for tensor in tensors:
            expected, datatype = self.columns[tensor["name"]].type, tensor["datatype"]
            if not expected.accepts(datatype):
                problem = f"expected datatype {expected.datatype}, found {_shorten(datatype)}"
                raise RequestError(422, f"{tensor['name']}: {problem}")
        return {name: found.get(name, [None] * count) for name in self.columns}


def validate(validator: Callable[[Any], Any], content: Any) -> Any:
    """Return content as pydantic validates it.

    Raises:
        RequestError: it is invalid.
    """
    try:
        return validator(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:
        raise RequestError(400, f"body: {first['msg']}")
    problem, value = first["msg"], first["input"]
    if first["type"] == "extra_forbidden":
        problem = "the model has no such column"
    elif not isinstance(value, dict | list):
        problem = f"{problem}, found {_shorten(value)}"
    raise RequestError(422, f"{'.'.join(map(str, first['loc']))}: {problem}")


def _object(extra: Literal["ignore", "forbid"] = "ignore", /, **fields: schema.TypedDictField) -> CoreSchema:
    return schema.typed_dict_schema(fields, extra_behavior=extra)


def _field(value: CoreSchema, required: bool = True) -> schema.TypedDictField:
    return schema.typed_dict_field(value, required=required)


def _list_of(items: CoreSchema | None = None, min_length: int = 0) -> CoreSchema:
    """Return a list whose validation stops at the first error."""
    return schema.list_schema(items, strict=True, fail_fast=True, min_length=min_length)


_TENSOR = _object(
    name=_field(_TEXT),
    shape=_field(_list_of(_INT64)),
    datatype=_field(_TEXT),
    data=_field(_list_of()),
)
INFERENCE_REQUEST = _object(
    id=_field(_TEXT, required=False),
    parameters=_field(schema.any_schema(), required=False),
    inputs=_field(_list_of(_TENSOR)),
    outputs=_field(_list_of(_object(name=_field(_TEXT))), required=False),
)
PROTOCOL = SchemaValidator(INFERENCE_REQUEST)


def _check_rows(count: int, most: int) -> None:
    if count == 0:
        raise RequestError(422, "there is no row")
    if count > most:
        raise RequestError(413, f"{count} rows are more than the {most} that config/serving.yaml allows")


def _flatten(tensor: Tensor) -> list[Any]:
    """Return the values of a tensor, which may be nested as its shape is."""
    data, shape = tensor["data"], tensor["shape"]
    if shape == [len(data)]:
        return data
    flat = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if shape != [len(flat), 1]:
        problem = f"shape {_shorten(shape)} is not that of a column of {len(flat)} values"
        raise RequestError(422, f"{tensor['name']}: {problem}")
    return flat


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:40]}…"
