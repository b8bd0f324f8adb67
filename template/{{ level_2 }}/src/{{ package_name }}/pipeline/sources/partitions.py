# Managed by copier-mlops: an update merges with your edits.
"""The rows of the monthly partitions, and the window of time that a model learns from."""

from pathlib import Path

import pandas as pd

from ... import FOLDER as MODEL_FOLDER
from ...core.io import read_table
from ...core.retraining import Retraining
from ...modeling.data import ENTITY, TIMESTAMP

FOLDER = Path(MODEL_FOLDER, "data/partitions")


def extend(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `data.ingest` and of all partitions that are within the window, in order of time.

    Of rows with the same entity and time, the one that arrived last counts: labels are corrected that way.
    """
    days, partitions = Retraining.load().window_days, sorted(FOLDER.glob("*.parquet"))
    if partitions:
        frame = _joined([frame, *map(read_table, partitions)])
        frame = frame.drop_duplicates([ENTITY, TIMESTAMP], keep="last")
        frame = frame.sort_values(TIMESTAMP, kind="stable", ignore_index=True)
    if days is not None:
        frame = frame[frame[TIMESTAMP] > frame[TIMESTAMP].max() - pd.Timedelta(days, "D")].reset_index(drop=True)
    return frame


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return all rows; what are categories in the first part are categories of all, the new ones last."""
    joined, first = pd.concat(parts, ignore_index=True), parts[0]
    for name in first.select_dtypes("category").columns.tolist():
        known, ordered = first[name].cat.categories, first[name].cat.ordered
        further = sorted({*joined[name].dropna()} - {*known})
        joined[name] = joined[name].astype(pd.CategoricalDtype([*known, *further], ordered))
    return joined
