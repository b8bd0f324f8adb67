# Managed by copier-mlops: an update merges with your edits.
"""The rows of a simulated year after the last row of the project's data, with drift that begins in known months."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ...core.column_types import kind_of
from ...core.errors import UserError
from ...core.io import read_table
from ...core.paths import RAW, TEST
from ...modeling import data
from ...modeling.data import ENTITY, TIMESTAMP, features_and_target
from ...pipeline.params import load_params

MONTHS, DAYS = 12, 30
DATA_DRIFT, CONCEPT_DRIFT = 7, 10  # first months
HIGH = 0.8  # share of the rows above the median once the data have drifted
LEAST_ROWS = 250  # of a month


def start() -> date:
    """Return the first day of the year: the day after the last row."""
    return read_table(RAW, columns=[TIMESTAMP])[TIMESTAMP].max().date() + timedelta(days=1)


def months(rows: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield a table for each month, as `data.ingest` returns them, in order of time.

    A source with `data_drift_from` and `concept_drift_from` in `params.yaml: data`, as the example has, simulates them. Of other
    data the test rows are used, each once: the champion has not seen them. Data drift then means more rows with high values of
    the first number, and concept drift that each value of a number is exchanged for the one of the opposite rank. So all
    values are ones that the data has.

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
        yield renamed(table.reset_index(drop=True), number)


def _of_test_rows(rows: int, first: date, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    test = read_table(TEST).sample(frac=1, random_state=int(rng.integers(2**31)), ignore_index=True)
    numbers = [str(name) for name in features_and_target(test)[0] if kind_of(test[name]) == "numbers"]
    values = test[numbers[0]] if numbers else pd.Series(test.index)
    high = (values > values.median()).to_numpy()
    pools = {True: [*np.flatnonzero(high)], False: [*np.flatnonzero(~high)]}
    count = min(rows, int(min(len(pools[True]) / (6 * 0.5 + 6 * HIGH), len(pools[False]) / (6 * 0.5 + 6 * (1 - HIGH)))))
    if count < LEAST_ROWS:
        raise UserError(f"{len(test):,} test rows are too few: {LEAST_ROWS} a month need {LEAST_ROWS * 16:,} or more")
    for month in range(1, MONTHS + 1):
        upper = round(count * (HIGH if month >= DATA_DRIFT else 0.5))
        chosen = [pools[kind].pop() for kind, number in ((True, upper), (False, count - upper)) for _ in range(number)]
        seconds = pd.to_timedelta((np.arange(count) + 0.5) * DAYS * 86_400 // count, unit="s")
        time = pd.Timestamp(_first_day(first, month), tz=test[TIMESTAMP].dt.tz) + seconds
        table = test.loc[rng.permutation(chosen)].reset_index(drop=True).assign(**{TIMESTAMP: time})
        yield table.assign(**{name: _mirrored(table[name], test[name]) for name in numbers if month >= CONCEPT_DRIFT})


def _mirrored(values: pd.Series, among: pd.Series) -> pd.Series:
    """Return for each value the one with the opposite rank among others; missing ones stay missing."""
    known = np.sort(among.dropna().to_numpy())
    opposite = known[np.clip(len(known) - 1 - np.searchsorted(known, values.fillna(known[0])), 0, len(known) - 1)]
    return pd.Series(opposite, values.index).where(values.notna(), values)


def _first_day(first: date, month: int) -> date:
    return first + timedelta(days=DAYS * (month - 1))


def renamed(table: pd.DataFrame, month: int) -> pd.DataFrame:
    """Return a table whose entities are new ones, others in each month."""
    numbers = kind_of(table[ENTITY]) == "numbers"
    new = table[ENTITY] + (month + 1) * 10**10 if numbers else f"M{month:02}-" + table[ENTITY].astype(str)
    return table.assign(**{ENTITY: new})


def next_rows(count: int | None = None) -> pd.DataFrame:
    """Return test rows of new entities, a moment after the last row of the data."""
    rows = read_table(TEST).iloc[:count].reset_index(drop=True)
    last = read_table(RAW, columns=[TIMESTAMP])[TIMESTAMP].max()
    return renamed(rows.assign(**{TIMESTAMP: last + pd.to_timedelta(rows.index + 1, unit="s")}), 0)
