# Managed by copier-mlops: an update merges with your edits.
"""Features of the events before a time: count, sum, mean and maximum in windows, ratios of windows, days since the last.

Training and server compute them by the same function. An event at or after the time of a row is never counted, and none that
is older than the longest window.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, Field, PositiveInt

from .config import load
from .settings import Settings

FILE = "window_features.json"  # in modeling/: what was chosen is a part of the model's code
DAY = 86_400_000_000  # microseconds
# In windows; ratio: of a window to the next longer one; since: days since the last event.
Aggregation = Literal["count", "ratio", "since", "sum", "mean", "max"]


class Table(BaseModel, extra="forbid", frozen=True):
    """A table without time, with any number of rows for each entity."""

    path: Path
    entity: str
    values: Annotated[list[str], Field(min_length=1)]


class FeatureSettings(Settings, env_prefix="FEATURES_"):
    """The schema of `config/features.yaml`."""

    events: Path | None
    entity: str
    time: str
    values: list[str]
    spans_days: Annotated[list[PositiveInt], Field(min_length=1)]
    label_time: str | None
    tables: list[Table]


class Window(BaseModel, extra="forbid", frozen=True):
    """A feature of events, which its name describes in full."""

    aggregation: Aggregation
    days: PositiveInt
    of_days: PositiveInt | None = None  # of a ratio: the longer window
    value: str | None = None  # None: the events themselves

    @property
    def name(self) -> str:
        """The name of its column, such as `amount_sum_30d`."""
        longer = f"_{self.of_days}d" if self.of_days else ""
        return f"{self.value or 'events'}_{self.aggregation}_{self.days}d{longer}"


class Chosen(BaseModel, extra="forbid", frozen=True):
    """The features that the model reads, and where from."""

    events: Path | None
    entity: str
    time: str
    label_time: str  # of a row: until when its events count
    windows: list[Window]
    tables: list[Table]
    columns: list[str]  # of those that come of `tables`

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [*(window.name for window in self.windows), *self.columns]

    @property
    def values(self) -> list[str]:
        """The columns of the events that features are computed from."""
        return sorted({window.value for window in self.windows if window.value})

    def only(self, names: Collection[str]) -> Self:
        """Return some of the features."""
        windows = [window for window in self.windows if window.name in names]
        columns = [name for name in self.columns if name in names]
        return self.model_copy(
            update={"windows": windows, "columns": columns, "tables": self.tables if columns else []}
        )

    @classmethod
    def read(cls, modeling: Path) -> Self | None:
        """Return what was chosen, None if nothing was."""
        return load(path, cls) if (path := modeling / FILE).exists() else None


def candidates(settings: FeatureSettings) -> list[Window]:
    """Return all features that the settings describe: those of the events first, then those of each value."""
    spans, found = sorted({*settings.spans_days}), []
    for value in (None, *settings.values):
        for kind in get_args(Aggregation):
            if kind == "ratio":
                pairs = pairwise(spans)
                found += [Window(aggregation=kind, days=short, of_days=long, value=value) for short, long in pairs]
            elif kind == "since":
                found += [Window(aggregation=kind, days=spans[-1])] if value is None else []
            elif (kind == "count") == (value is None):
                found += [Window(aggregation=kind, days=days, value=value) for days in spans]
    return found


def compute(
    windows: Sequence[Window],
    events: tuple[np.ndarray, np.ndarray, Mapping[str, np.ndarray]],
    rows: tuple[np.ndarray, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the features of rows by name, each of shape (rows,); NaN where a window has nothing to compute from.

    Args:
        windows: the features.
        events: in any order: whose they are, as numbers from 0, microseconds since 1970, and values by name, NaN where
            missing; each of shape (events,).
        rows: whom they are about, -1 for one without events, and microseconds before which events count; shape (rows,).
    """
    # Complex numbers are sorted by the real part, then by the imaginary part.
    keys, of_rows = (entities + 1j * times for entities, times in (events[:2], rows))
    by_event, by_row = np.argsort(keys, kind="stable"), np.argsort(of_rows)
    keys, of_rows = keys[by_event], of_rows[by_row]
    values = {name: np.append(column[by_event], np.nan) for name, column in events[2].items()}
    end = np.searchsorted(keys, of_rows)
    spans = {days for window in windows for days in (window.days, window.of_days) if days}
    start = {days: np.searchsorted(keys, of_rows - 1j * days * DAY) for days in spans}

    def reduced(ufunc: np.ufunc, column: np.ndarray, days: int) -> np.ndarray:
        """Return a reduction of each window; of an empty one, 0."""
        places = np.column_stack([start[days], end]).ravel()
        return np.where(start[days] < end, ufunc.reduceat(column, places)[::2], 0.0)

    def total(value: str | None, days: int) -> np.ndarray:
        """Return the number of events, or the sum of a value."""
        return (
            (end - start[days]).astype(float) if value is None else reduced(np.add, np.nan_to_num(values[value]), days)
        )

    def feature(window: Window) -> np.ndarray:
        days, value = window.days, window.value
        if window.aggregation == "since":
            last = np.append(keys.imag, 0)[end - 1]
            return np.where(start[days] < end, (of_rows.imag - last) / DAY, np.nan)
        if window.aggregation == "ratio":
            return _divided(total(value, days), total(value, window.of_days or days))
        if value is None or window.aggregation == "sum":
            return total(value, days)
        known = reduced(np.add, (~np.isnan(values[value])).astype(float), days)
        if window.aggregation == "mean":
            return _divided(total(value, days), known)
        return np.where(known > 0, reduced(np.fmax, values[value], days), np.nan)

    back = np.argsort(by_row)
    return {window.name: feature(window)[back] for window in windows}


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
