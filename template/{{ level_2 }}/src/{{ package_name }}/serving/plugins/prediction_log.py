# Managed by copier-mlops: an update merges with your edits.
"""Writes the prediction log: each second's predictions become a Parquet file, and files are merged from time to time.

The server queues predictions and passes them on in a thread, so that a slow or full disk never delays a response.
"""

import os
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from prometheus_client import Counter

from ...core.inputs import DTYPES, Column
from ...core.io import atomic_write
from ...core.prediction_log import FEATURE, PredictionLog, delete_expired, folder_of
from ..handler import monitored_values
from . import Plugin, Prediction

if TYPE_CHECKING:
    from ..handler import Inference

DAY_SECONDS = 86_400
MERGE_ROWS = 200_000  # more are merged at once: until then they stay in memory
MERGE_BYTES = 50_000_000  # the same for long texts
FORMAT: Any = {"compression": "zstd", "use_dictionary": ["model", "version", "variant"]}


class Group(NamedTuple):
    """Predictions whose rows have the same columns and belong to the same folder."""

    model: str
    version: str
    variant: str
    day: int  # since 1970, in UTC


class Parts:
    """The files of a group that are not merged yet, with their rows."""

    def __init__(self, writer: str) -> None:
        self.writer = writer  # first part of their names
        self.started = time.monotonic()
        self.tables: dict[int, pa.Table] = {}  # by their numbers, which increase

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(len(table) for table in self.tables.values())

    @property
    def full(self) -> bool:
        """Whether they use too much memory to wait any longer."""
        return self.rows >= MERGE_ROWS or sum(table.nbytes for table in self.tables.values()) >= MERGE_BYTES


class PredictionLogWriter(Plugin):
    """Observes predictions and writes them."""

    def __init__(self, settings: PredictionLog) -> None:
        self._settings = settings
        self._system = settings.filesystem()
        # In a container, host and process id are those of the server before it, and its clock may have been set back:
        # by host and id alone, new files could be taken for parts of an older one, which readers ignore.
        unique = uuid4().hex[:16]
        self._process = f"{socket.gethostname()}-{os.getpid()}-{unique}"
        self._request = f"{unique}-"  # first part of the ids of this process
        self._requests, self._groups = count(), count()
        self._number = 0
        self._open: dict[Group, Parts] = {}
        self._day: date | None = None
        self._inference: Inference | None = None
        self._written = Counter("prediction_log_rows", "Rows written to the prediction log", registry=None)
        self._dropped = Counter("prediction_log_dropped_rows", "Rows that could not be written", registry=None)

    @asynccontextmanager
    async def lifespan(self, inference: "Inference") -> AsyncIterator[None]:
        """Add the metrics, and merge the files that are left when the server stops."""
        self._inference = inference
        for counter in (self._written, self._dropped):
            inference.metrics.registry.register(counter)
        yield
        for group in [*self._open]:
            self._merge(group)

    def observe(self, predictions: Sequence[Prediction]) -> None:
        """Write predictions; what cannot be written is dropped and counted."""
        groups: dict[Group, list[Prediction]] = defaultdict(list)
        for one in predictions:
            groups[Group(one.model, one.version, one.variant, int(one.time // DAY_SECONDS))].append(one)
        failed: Exception | None = None
        for group, members in groups.items():
            rows = sum(len(one.output) for one in members)
            try:
                self._write(group, self._table(group, members))
                self._written.inc(rows)
            except Exception as error:  # noqa: BLE001 - of any storage, logged once
                self._dropped.inc(rows)
                failed = error
        for group, parts in [*self._open.items()]:
            if time.monotonic() - parts.started >= self._settings.merge_seconds or parts.full:
                self._merge(group)
        if failed:
            raise failed
        if self._day != (today := datetime.now(UTC).date()):
            self._day = today
            delete_expired(self._settings, today)

    def _table(self, group: Group, members: list[Prediction]) -> pa.Table:
        sizes = [len(one.output) for one in members]
        single = max(sizes) == 1  # row in each request, as is usual: much cheaper

        def repeated(values: list[Any], type: pa.DataType) -> pa.Array:
            """Return a value for each request as one for each of its rows."""
            return pa.array(values if single else np.repeat(np.array(values, object), sizes), type)

        output = np.concatenate([one.output for one in members]).astype("f8", copy=False)
        width = 1 if output.ndim == 1 else output.shape[1]
        rows = len(output)
        times = np.repeat((np.array([one.time for one in members]) * 1e6).astype("i8"), sizes)
        columns = {
            "request_id": repeated(
                [one.request_id or f"{self._request}{next(self._requests)}" for one in members], pa.string()
            ),
            "row": pa.array(np.zeros(rows, "i4") if single else np.concatenate([*map(np.arange, sizes)]), pa.int32()),
            "traceparent": repeated([one.traceparent for one in members], pa.string()),
            "entity": repeated([one.entity for one in members], pa.string()),
            "time": pa.array(times, pa.timestamp("us", "UTC")),
            **{
                name: pa.repeat(pa.scalar(getattr(group, name), pa.string()), rows)
                for name in ("model", "version", "variant")
            },
            "propensity": repeated([one.propensity for one in members], pa.float64()),
            "prediction": pa.array(monitored_values(output), pa.float64()),
            "output": pa.ListArray.from_arrays(np.arange(rows + 1, dtype="i4") * width, output.ravel()),
        }
        known = self._columns(group)
        for name in members[0].columns:
            if name not in self._settings.leave_out:
                lists = [one.columns[name] for one in members]
                values = [value for (value,) in lists] if single else [*chain.from_iterable(lists)]
                columns[f"{FEATURE}{name}"] = pa.array(values, _type(known.get(name)), from_pandas=True)
        return pa.table(columns)

    def _columns(self, group: Group) -> Mapping[str, Column]:
        """Return the inputs of a version; none if it was replaced since."""
        loaded = self._inference.models.loaded(group.model).values() if self._inference else ()
        return next((model.inputs.columns for model in loaded if model.version == group.version), {})

    def _write(self, group: Group, table: pa.Table) -> None:
        parts = self._open.get(group) or Parts(f"{self._process}-{next(self._groups)}")
        self._number += 1
        self._put(table, group.day, f"{parts.writer}-{self._number}")
        self._open[group] = parts
        parts.tables[self._number] = table

    def _merge(self, group: Group) -> None:
        """Replace the files of a group by one. Readers ignore files whose numbers lie between those in its name."""
        parts = self._open.pop(group)
        if len(parts.tables) < 2:
            return
        folder = _folder(group.day)
        try:
            name = f"{parts.writer}-{min(parts.tables)}_{max(parts.tables)}"
            self._put(pa.concat_tables(parts.tables.values(), promote_options="default"), group.day, name)
            for number in parts.tables:
                self._system.delete_file(f"{folder}/{parts.writer}-{number}.parquet")
        except Exception:  # noqa: BLE001 - nothing is lost: the single files stay
            return

    def _put(self, table: pa.Table, day: int, name: str) -> None:
        path = f"{_folder(day)}/{name}.parquet"
        if self._settings.remote:
            pq.write_table(table, path, filesystem=self._system, **FORMAT)
            return
        with atomic_write(self._settings.folder / path) as temporary:
            pq.write_table(table, temporary, **FORMAT)


def _folder(day: int) -> str:
    return folder_of(date(1970, 1, 1) + timedelta(days=day))


def _type(column: Column | None) -> pa.DataType | None:
    """Return the type of a feature; without it, pyarrow infers one."""
    if column is None:
        return None
    if column.type == "string":
        return pa.string()
    return pa.timestamp("us", "UTC") if column.zone else pa.from_numpy_dtype(DTYPES[column.type])


def plugin() -> Plugin:
    """Return the plug-in that the server finds."""
    return PredictionLogWriter(PredictionLog.load())
