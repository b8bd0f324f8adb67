# Managed by copier-mlops: an update merges with your edits.
"""Validates requests: pydantic checks each value against the columns of the model."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isnan
from typing import Any, Literal, NamedTuple

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, from_json
from pydantic_core import core_schema as schema

from ..core.inputs import Column, Inputs, Type

Columns = Mapping[str, Sequence[Any]]  # a value for each row, None where it is missing
Tensor = dict[str, Any]
MAX_PROBLEM = 400  # characters of an error, which may quote names that a client sent


class RequestError(Exception):
    """Describes in one line what is wrong with a request."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(_cut(problem, MAX_PROBLEM))
        self.status = status


class ValueType(NamedTuple):
    """A type of `inputs.Column`: in JSON, and in the Open Inference Protocol."""

    schema: CoreSchema
    datatype: str
    accepted: tuple[str, ...]  # datatypes of tensors, without their number of bits


_TEXT = schema.str_schema(strict=True)  # strict: a value of another type is an error, not converted
_DATE = schema.str_schema(strict=True, pattern=r"^\d{4}-")  # pydantic takes the text 20260131 for seconds since 1970
_INT64 = schema.int_schema(strict=True, ge=-(2**63), lt=2**63)
_NUMBER = ValueType(schema.float_schema(strict=True, allow_inf_nan=False), "FP64", ("FP", "INT", "UINT"))
_INTEGER = ValueType(_INT64, "INT64", ("INT", "UINT"))
_STRING = ValueType(_TEXT, "BYTES", ("BYTES",))
VALUE_TYPES: dict[Type, ValueType] = {
    "double": _NUMBER,
    "float": _NUMBER,
    "long": _INTEGER,
    "integer": _INTEGER,
    "boolean": ValueType(schema.bool_schema(strict=True), "BOOL", ("BOOL",)),
    "string": _STRING,
    "datetime": _STRING,  # as ISO 8601 writes it
}


def value_schema(column: Column) -> CoreSchema:
    """Return the schema of a value in JSON."""
    found = VALUE_TYPES[column.type].schema
    if column.type == "datetime":
        zone = UTC if column.zone else None
        first, last = datetime(1, 1, 2, tzinfo=zone), datetime(9999, 12, 30, tzinfo=zone)  # in any zone
        time = schema.datetime_schema(tz_constraint="aware" if zone else "naive", ge=first, le=last)
        found = schema.chain_schema([_DATE, time])
    return found if column.required else schema.with_default_schema(schema.nullable_schema(found), default=None)


class InputSchema:
    """Validates requests against the inputs of one model."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.columns = {column.name: column for column in inputs.columns}
        schemas = [(each.name, value_schema(each), each.required) for each in inputs.columns]
        row = {name: _field(value, required) for name, value, required in schemas}
        values = {name: _field(_list_of(value), required) for name, value, required in schemas}
        self.row_request = _object(rows=_field(_list_of(_object("forbid", **row), min_length=1)))
        self._row_request = SchemaValidator(self.row_request)
        self._values = SchemaValidator(_object("forbid", **values))

    def of_rows(self, body: bytes, max_rows: int) -> Columns:
        """Return the columns of rows, each of which names its columns.

        Raises:
            RequestError: there are no rows, or too many, or a column or value does not fit the model.
        """
        rows = validate_json(self._row_request, body)["rows"]
        _check_rows(len(rows), max_rows)
        return {name: [row[name] for row in rows] for name in self.columns}

    def of_tensors(self, tensors: list[Tensor], max_rows: int) -> Columns:
        """Return the columns of the protocol's tensors: one for each column, of shape [rows] or [rows, 1].

        Raises:
            RequestError: tensors differ in rows, there are too many, or a tensor or value does not fit the model.
        """
        values = {tensor["name"]: _flatten(tensor) for tensor in tensors}
        sizes = {name: len(flat) for name, flat in values.items()}
        if len(values) < len(tensors):
            ((twice, _),) = Counter(tensor["name"] for tensor in tensors).most_common(1)
            raise RequestError(422, f"inputs: {_shorten(twice)} is there twice")
        if len({*sizes.values()}) > 1:
            raise RequestError(422, f"inputs: tensors differ in their number of rows: {_shorten(sizes)}")
        count = next(iter(sizes.values()), 0)
        _check_rows(count, max_rows)
        try:
            found = validate(self._values.validate_python, values)
        except RequestError:  # maybe by NaN, which counts as null
            found = validate(self._values.validate_python, _nan_as_null(values))
        for tensor in tensors:
            expected, datatype = VALUE_TYPES[self.columns[tensor["name"]].type], tensor["datatype"]
            if datatype.rstrip("0123456789") not in expected.accepted:
                problem = f"expected datatype {expected.datatype}, found {_shorten(datatype)}"
                raise RequestError(422, f"{tensor['name']}: {problem}")
        return {name: found.get(name, [None] * count) for name in self.columns}


def validate_json(validator: SchemaValidator, body: bytes) -> Any:
    """Return a body as pydantic validates it. NaN, which Python's clients write into JSON, counts as null.

    Raises:
        RequestError: it is invalid.
    """
    try:
        return validate(validator.validate_json, body)
    except RequestError:
        if b"NaN" not in body:
            raise
    try:
        content = from_json(body)
    except ValueError as error:
        raise RequestError(400, f"body: Invalid JSON: {error}") from error
    return validate(validator.validate_python, _nan_as_null(content))


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


_PARAMETERS = _field(schema.nullable_schema(schema.dict_schema()), required=False)
_TENSOR = _object(
    name=_field(_TEXT),
    shape=_field(_list_of(_INT64)),
    datatype=_field(_TEXT),
    parameters=_PARAMETERS,
    data=_field(schema.nullable_schema(_list_of()), required=False),  # binary data follows the JSON
)
INFERENCE_REQUEST = _object(
    id=_field(schema.nullable_schema(_TEXT), required=False),
    parameters=_PARAMETERS,
    inputs=_field(_list_of(_TENSOR, min_length=1)),
    outputs=_field(schema.nullable_schema(_list_of(_object(name=_field(_TEXT)))), required=False),
)
PROTOCOL = SchemaValidator(INFERENCE_REQUEST)


def _check_rows(count: int, most: int) -> None:
    if count == 0:
        raise RequestError(422, "there is no row")
    if count > most:
        raise RequestError(413, f"{count} rows are more than the {most} that config/serving.yaml allows")


def _flatten(tensor: Tensor) -> list[Any]:
    """Return the values of a tensor, which may be nested as its shape is."""
    data, shape = tensor.get("data"), tensor["shape"]
    if data is None:
        raise RequestError(422, f"{tensor['name']}: there is no data")
    if shape == [len(data)]:
        return data
    flat = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if shape != [len(flat), 1]:
        problem = f"shape {_shorten(shape)} is not that of a column of {len(flat)} values"
        raise RequestError(422, f"{tensor['name']}: {problem}")
    return flat


def _nan_as_null(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _nan_as_null(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_nan_as_null(value) for value in content]
    return None if isinstance(content, float) and isnan(content) else content


def _shorten(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str), 40)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
