# Managed by copier-mlops: an update merges with your edits.
"""The rows of a simulated year after the last row of the project's data, with drift that begins in known months."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ..core.column_types import kind_of
from ..core.errors import UserError
from ..core.io import read_table
from ..core.paths import RAW, TEST
from ..modeling import data
from ..modeling.data import ENTITY, TIMESTAMP, features_and_target
from ..pipeline.params import load_params

MONTHS, DAYS = 12, 30
DATA_DRIFT, CONCEPT_DRIFT = 7, 10  # first months
PRICES = 1.3  # what data drift multiplies numbers by


def start() -> date:
    """Return the first day of the year: the day after the last row."""
    return read_table(RAW, columns=[TIMESTAMP])[TIMESTAMP].max().date() + timedelta(days=1)


def months(rows: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield a table for each month, as `data.ingest` returns them, in order of time.

    A source with `data_drift_from` and `concept_drift_from` in `params.yaml: data`, as the example has, simulates them. Of other
    data the test rows are used, which the first champion has not seen: data drift raises all numbers of half of the rows,
    and concept drift mirrors numbers at their median, so that they mean the opposite.

    Raises:
        UserError: there are too few test rows.
    """
    params, first = load_params(), start()
    drifts = {"data_drift_from": _first_day(first, DATA_DRIFT), "concept_drift_from": _first_day(first, CONCEPT_DRIFT)}
    if drifts.keys() <= type(params.data).model_fields.keys():
        year = {"customers": rows * MONTHS, "start": first, "days": DAYS * MONTHS, **drifts}
        frame = data.ingest(params.data.model_copy(update=year), params.seed + 1 + seed)
        tables: Iterator[pd.DataFrame] = (frame.iloc[rows * n : rows * (n + 1)] for n in range(MONTHS))
    else:
        tables = _of_test_rows(rows, first, np.random.default_rng(seed))
    for number, table in enumerate(tables, 1):
        yield _renamed(table.reset_index(drop=True), number)


def _of_test_rows(rows: int, first: date, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    test = read_table(TEST)
    if (least := len(test) // MONTHS) < rows // 4:
        raise UserError(
            f"a year of {MONTHS} months needs {MONTHS * rows // 4:,} test rows, there are {len(test):,}: see --rows"
        )
    order = rng.permutation(len(test))
    for month in range(MONTHS):
        table = test.iloc[order[least * month : least * (month + 1)]].reset_index(drop=True)
        seconds = pd.to_timedelta((np.arange(least) + 0.5) * DAYS * 86_400 // least, unit="s")
        time = pd.Timestamp(_first_day(first, month + 1), tz=test[TIMESTAMP].dt.tz) + seconds
        yield _drifted(table.assign(**{TIMESTAMP: time}), test, month + 1, rng)


def _drifted(table: pd.DataFrame, test: pd.DataFrame, month: int, rng: np.random.Generator) -> pd.DataFrame:
    features, _ = features_and_target(table)
    numbers = [str(name) for name in features if kind_of(features[name]) == "numbers"]
    changed: dict[str, Any] = {}
    for name in numbers:
        values = table[name].astype("float64")
        if month >= CONCEPT_DRIFT:
            values = 2 * test[name].median() - values
        if month >= DATA_DRIFT:
            values = values * np.where(rng.random(len(table)) < 0.5, PRICES, 1.0)
        changed[name] = values
    return table.assign(**changed) if month >= DATA_DRIFT else table


def _first_day(first: date, month: int) -> date:
    return first + timedelta(days=DAYS * (month - 1))


def _renamed(table: pd.DataFrame, month: int) -> pd.DataFrame:
    """Return a table whose entities are new ones."""
    if kind_of(table[ENTITY]) == "numbers":
        return table.assign(**{ENTITY: table[ENTITY] + month * 10**10})
    return table.assign(**{ENTITY: f"M{month:02}-" + table[ENTITY].astype(str)})
