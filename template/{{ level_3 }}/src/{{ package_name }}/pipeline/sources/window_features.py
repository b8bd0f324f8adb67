# Managed by copier-mlops: an update merges with your edits.
"""Adds the columns that `poe find-features` has chosen, if it has: each row gets what was known before its time."""

from pathlib import Path

import numpy as np
import pandas as pd

from ...core.column_types import example, kind_of
from ...core.errors import UserError
from ...core.io import read_file
from ...core.times import in_utc
from ...core.windows import DAY, Chosen, FeatureSettings, Table, compute
from ...modeling import data

MODELING = Path(str(data.__file__)).parent


def extend(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the chosen columns."""
    chosen = Chosen.read(MODELING)
    return frame if chosen is None else with_features(frame, chosen)


def with_features(frame: pd.DataFrame, chosen: Chosen) -> pd.DataFrame:
    """Return rows with the columns of `chosen`, which replace columns of the same names.

    Raises:
        UserError: a table is missing, or does not fit `config/features.yaml`.
    """
    found = frame.drop(columns=chosen.names, errors="ignore")
    if chosen.windows:
        found = found.assign(**window_features(frame, chosen))
    for table in chosen.tables:
        found = found.join(table_features(frame, table).filter(chosen.columns))
    gone = [name for name in chosen.columns if name not in found]  # indicators of texts that the table no longer has
    return found.assign(**dict.fromkeys(gone, 0.0))


def window_features(frame: pd.DataFrame, chosen: Chosen) -> dict[str, np.ndarray]:
    """Return the features of events by name.

    Raises:
        UserError: see `with_features`.
    """
    path, names = chosen.events, chosen.values
    if path is None or chosen.label_time not in frame:
        raise UserError(f"{FeatureSettings.path()}: label_time: no column {chosen.label_time} in the data")
    table = read(path, chosen.entity, [chosen.time, *names], frame)
    times = in_utc(table[chosen.time], f"{path}: {chosen.time}")
    there = times.notna() & table[chosen.entity].notna()
    once = ~table.duplicated([name for name in table if pd.api.types.infer_dtype(table[name]) != "mixed"])
    for kept, problem in ((there, f"have no {chosen.entity} or {chosen.time}"), (once, "equal an earlier one")):
        if count := int((~kept).sum()):
            print(f"  {path}: {count:,} of {len(table):,} events {problem} and are left out")
    table, times = table[there & once], times[there & once]
    codes, known = pd.factorize(table[chosen.entity].astype(object))
    rows = pd.Index(known).get_indexer(pd.Index(frame[data.ENTITY].astype(object)))
    if (rows < 0).all():
        missing = f"no {data.ENTITY} of the data, such as {example(frame[data.ENTITY])}"
        raise UserError(f"{path}: {missing}, is in its column {chosen.entity}")
    values = {name: _numbers(table[name], f"{path}: {name}") for name in names}
    happened, until = _microseconds(times), _microseconds(in_utc(frame[chosen.label_time], chosen.label_time))
    _check_times(chosen, happened, until)
    return compute(chosen.windows, (codes, happened, values), (rows, until))


def table_features(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return for each row the mean, maximum and sum of the values of a table without time, of texts as indicators.

    Raises:
        UserError: see `with_features`.
    """
    from skrub import AggJoiner, TableVectorizer

    if leaked := [name for name in table.values if name in data.KNOWN_LATER]:
        raise UserError(f"{table.path}: {leaked[0]} is in KNOWN_LATER of data.py, so it is not known at prediction")
    content = read(table.path, table.entity, table.values, frame)
    encoder = TableVectorizer(high_cardinality="drop", datetime="drop")
    numbers = encoder.fit_transform(content[table.values]).astype(float).add_prefix(f"{table.path.stem}_")
    keys = [each[name].astype(object).rename("key") for each, name in ((content, table.entity), (frame, data.ENTITY))]
    joiner = AggJoiner(numbers.assign(key=keys[0]), ["mean", "max", "sum"], key="key", cols=[*numbers])
    found = joiner.fit_transform(keys[1].to_frame()).drop(columns="key").set_axis(frame.index)
    if found.isna().all(axis=None):
        raise UserError(f"{table.path}: no {data.ENTITY} of the data is in its column {table.entity}")
    return found


def read(path: Path, entity: str, names: list[str], frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table; in CSV, keys are text if those of the rows are.

    Raises:
        UserError: it is missing, or lacks a column.
    """
    if not path.exists():
        raise UserError(f"{path} is missing: correct {FeatureSettings.path()}, or get it by `uv run poe pull`")
    table = read_file(path, {entity: True} if kind_of(frame[data.ENTITY]) == "text" else {})
    for name in (entity, *names):
        if name not in table:
            raise UserError(f"{path}: it has no column {name}, only {', '.join(map(str, table))}")
    return table


def _check_times(chosen: Chosen, events: np.ndarray, rows: np.ndarray) -> None:
    """Check that the events cover the time of the rows; print if windows of early rows are incomplete."""
    spans = [window.days for window in chosen.windows]
    first, last, newest = (pd.Timestamp(int(time), unit="us") for time in (events.min(), events.max(), rows.max()))
    if last < newest - pd.Timedelta(min(spans), "D") or first >= newest:
        raise UserError(
            f"{chosen.events}: {chosen.time} is from {first:%Y-%m-%d} to {last:%Y-%m-%d}, so the newest row, of"
            f" {newest:%Y-%m-%d}, has no event in the {min(spans)} days before it: bring the table up to date"
        )
    if count := int((rows - max(spans) * DAY < events.min()).sum()):
        print(f"  {chosen.events}: it starts at {first:%Y-%m-%d}: windows of {count:,} rows reach back further")


def _numbers(column: pd.Series, name: str) -> np.ndarray:
    if kind_of(column) not in ("numbers", "booleans"):
        raise UserError(f"{name}: expected numbers, found {example(column)}")
    found = column.to_numpy("f8", na_value=np.nan)
    if np.isinf(found).any():
        raise UserError(f"{name}: a value is infinite")
    return found


def _microseconds(times: pd.Series) -> np.ndarray:
    return times.dt.tz_convert(None).dt.as_unit("us").to_numpy().astype("i8")
