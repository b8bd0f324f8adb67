# Managed by copier-mlops: an update merges with your edits.
"""Reads the prediction log with DuckDB, wherever it is."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, Self, TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileSelector

from ..core.errors import UserError
from ..core.prediction_log import FEATURE, PredictionLog, folder_of
from ..registry.client import Tracking

COLUMNS = pa.schema(
    {
        "request_id": pa.string(),
        "row": pa.int32(),
        "traceparent": pa.string(),  # trace and span of the request, as W3C Trace Context writes them; null without one
        "entity": pa.string(),  # null if the request named none
        "time": pa.timestamp("us", "UTC"),
        "model": pa.string(),
        "version": pa.string(),
        "variant": pa.string(),
        "propensity": pa.float64(),  # probability with which the version was chosen; null if that was not by chance
        "prediction": pa.float64(),  # the number; P(second class); or the highest of more class probabilities
        "output": pa.list_(pa.float64()),  # the probability of each class, or the number
    }
)
PART = re.compile(r"(?P<writer>.+)-(?P<first>\d+)(_(?P<last>\d+))?\.parquet")
ATTEMPTS = 3  # to list and read: a server may merge a file in between
Found = TypeVar("Found")


class Window(NamedTuple):
    """A span of time in UTC; the end is not part of it."""

    start: datetime
    end: datetime

    def moved(self, by: timedelta) -> Self:
        """Return the window earlier or later."""
        return self._replace(start=self.start + by, end=self.end + by)


def time_in_utc(text: str) -> datetime:
    """Return a time that a user typed; without a zone it is UTC."""
    found = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def read(start: datetime, end: datetime, columns: list[str] | None = None) -> pd.DataFrame:
    """Return the rows of the log in a span of time, or only some of their columns; none if there is no log."""
    chosen = ", ".join(map(quoted, columns)) if columns else "*"
    return query(f"select {chosen} from predictions order by time, request_id, row", Window(start, end))


def quoted(name: str) -> str:
    """Return the name of a column as SQL writes it, whatever is in it."""
    return '"{}"'.format(name.replace('"', '""'))


def features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the features of rows of the log, under their own names."""
    names = [name for name in frame if str(name).startswith(FEATURE)]
    return frame[names].rename(columns=lambda name: name.removeprefix(FEATURE))


def query(
    sql: str, window: Window, parameters: tuple[Any, ...] = (), version: str | None = None, **tables: Any
) -> pd.DataFrame:
    """Return the result of SQL on `predictions`, the rows of the log in a window, and on further tables by name.

    A feature whose type differs between versions or models is text, unless the SQL reads one `version` of the project's only.

    Raises:
        UserError: the place of the log cannot be read, or a file of it is damaged.
    """
    return _retried(lambda: _query(sql, _dataset(window, version), window, parameters, tables))


def spans(window: Window, days: int) -> list[Window]:
    """Return the spans of some days in a window for which the log has files; the window, if there is none.

    Raises:
        UserError: the place of the log cannot be read.
    """
    stored = _retried(PredictionLog.load().days)
    starts = [window.start + timedelta(days=n) for n in range(0, (window.end - window.start).days + 1, days)]
    found = (Window(*span) for span in pairwise([*starts, window.end]))
    return [span for span in found if not stored.isdisjoint(_folders(span))] or [window]


def _retried(reading: Callable[[], Found]) -> Found:
    """Return what a function reads of the log.

    Raises:
        UserError: the place of the log cannot be read, or a file of it is damaged.
    """
    for attempt in range(ATTEMPTS):
        try:
            return reading()
        except (OSError, duckdb.IOException, duckdb.InvalidInputException, pa.ArrowInvalid) as error:
            if attempt == ATTEMPTS - 1:
                reason = " ".join(str(error).split())[:300]
                raise UserError(
                    f"the prediction log in {PredictionLog.load().place} cannot be read: {reason}"
                ) from error
    raise AssertionError


def _query(
    sql: str, log: ds.Dataset | pa.Table, window: Window, parameters: tuple[Any, ...], tables: Mapping[str, Any]
) -> pd.DataFrame:
    # The size of an Arrow table is not known to the planner, which would join in nested loops.
    with duckdb.connect(config={"asof_loop_join_threshold": 0}) as connection:
        for name, table in {"log": log, **tables}.items():
            connection.register(name, table)
        bounds = " and ".join(f"time {sign} '{one.isoformat()}'" for sign, one in zip((">=", "<"), window, strict=True))
        connection.execute(f"create temporary view predictions as select * from log where {bounds}")
        return connection.execute(sql, parameters).df()


def _dataset(window: Window, version: str | None) -> ds.Dataset | pa.Table:
    """Return the files of a window; a feature that some lack is null there. See `query` for the version."""
    settings = PredictionLog.load()
    system, found = settings.filesystem(), settings.days()
    paths = {path: writer for day in _folders(window) if day in found for path, writer in _current(system, day).items()}
    if not paths:
        return COLUMNS.empty_table()
    read = partial(ds.dataset, format="parquet", filesystem=system)
    examples = {writer: read(path) for path, writer in paths.items()}  # each writer has one schema, and one version
    try:
        schemas = (one.schema for one in examples.values())
        schema = pa.unify_schemas([COLUMNS, *schemas], promote_options="permissive")
    except pa.ArrowTypeError:
        if version:
            wanted = {"model": Tracking.load().model, "version": version}
            examples = {w: one for w, one in examples.items() if one.head(1, columns=[*wanted]).to_pylist() == [wanted]}
            paths = {path: writer for path, writer in paths.items() if writer in examples}
        schema = _with_texts([one.schema for one in examples.values()])
    return read([*paths], schema=schema)


def _folders(window: Window) -> list[str]:
    """Return the folders of the days of a window."""
    first, last = (each.astimezone(UTC).date() for each in window)
    return [folder_of(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def _with_texts(schemas: list[pa.Schema]) -> pa.Schema:
    """Return a schema of all columns, in which those with types that do not fit each other are text."""
    schema = COLUMNS
    for field in (field for one in schemas for field in one):
        try:
            schema = pa.unify_schemas([schema, pa.schema([field])], promote_options="permissive")
        except pa.ArrowTypeError:
            schema = schema.set(schema.get_field_index(field.name), field.with_type(pa.string()))
    return schema


def _current(system: Any, day: str) -> dict[str, str]:
    """Return the files of a day and their writers, without those that were merged into another but not deleted yet."""
    paths = [each.path for each in system.get_file_info(FileSelector(day, allow_not_found=True))]
    parts = {path: found for path in paths if (found := PART.fullmatch(path))}
    spans = [(part["writer"], int(part["first"]), int(part["last"])) for part in parts.values() if part["last"]]

    def merged(part: re.Match[str]) -> bool:
        number = int(part["first"])
        return any(part["writer"] == writer and first <= number <= last for writer, first, last in spans)

    return {path: part["writer"] for path, part in parts.items() if part["last"] or not merged(part)}
