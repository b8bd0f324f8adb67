# Managed by copier-mlops: an update merges with your edits.
"""The page about a batch: what has drifted, how predictions turned out, how that developed, and which rows are unusual."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..core.paths import REPORTS
from ..pipeline.figures import COLOR
from ..reporting.html import write_page
from ..reporting.pages import ALARM, GRAY, image, new_axes
from .prediction_log import features
from .quality import unusual
from .reference import Reference
from .result import Interval, MonitoringResult

PAGE = REPORTS / "monitoring.html"
COLUMNS = 12  # small multiples
CATEGORIES = 8  # of a column
ROWS = 10  # examples


def write(results: list[MonitoringResult], sample: pd.DataFrame, reference: Reference) -> None:
    """Write the page about the last result, with a sample of its rows in the prediction log."""
    result = results[-1]
    write_page(
        PAGE,
        model=result.model,
        result=result,
        columns=[*_columns(result, features(sample), reference.features)],
        history=[*_history(results)] if len(results) > 1 else [],
        rows=[*_unusual_rows(sample, reference.features)],
    )


def _columns(result: MonitoringResult, batch: pd.DataFrame, reference: pd.DataFrame) -> Iterator[str]:
    """Yield a figure of each of the columns with the strongest drift: reference and batch."""
    for one in [one for one in result.drift.columns if one.name in reference and one.name in batch][:COLUMNS]:
        axes = _small(f"{one.name}: {one.test} {one.effect:.3f}", one.alarm)
        _compare(axes, reference[one.name], batch[one.name])
        yield image(axes)


def _compare(axes: Axes, reference: pd.Series, batch: pd.Series) -> None:
    pair = [(reference.dropna(), GRAY), (batch.dropna(), COLOR)]
    if pd.api.types.is_numeric_dtype(reference) and reference.nunique() > CATEGORIES:
        pooled = pd.concat([pair[0][0], pair[1][0]]).astype(float)
        low, high = pooled.quantile(0.005), pooled.quantile(0.995)
        edges = np.linspace(low, high, 25) if low < high else np.array([low - 0.5, low + 0.5])
        for values, color in pair:
            heights = np.histogram(values.astype(float), edges)[0] / max(1, len(values))
            axes.stairs(heights, edges, color=color, fill=color == COLOR, alpha=0.8)
        return
    kind = float if pd.api.types.is_numeric_dtype(reference) else str
    shares = pd.DataFrame([each.astype(kind).value_counts(normalize=True) for each, _ in pair]).T.fillna(0)
    shares = shares.loc[shares.max(axis=1).nlargest(CATEGORIES).index].sort_index()
    for place, (_, color) in enumerate(pair):
        axes.bar(np.arange(len(shares)) + 0.4 * place, shares.iloc[:, place], 0.4, color=color)
    names = [f"{name:g}" if kind is float else str(name)[:12] for name in shares.index]
    axes.set_xticks(np.arange(len(names)) + 0.2, names, rotation=30 if max(map(len, names), default=0) > 6 else 0)


def _history(results: list[MonitoringResult]) -> Iterator[str]:
    """Yield time lines: drift, surprise, and each metric with its interval."""
    names = dict.fromkeys(name for result in results for name in result.intervals)
    lines: dict[str, list[Any]] = {
        "largest effect of a column": [max([0.0, *(one.effect for one in result.drift.columns)]) for result in results],
        "columns with drift": [float(len(result.drifted)) for result in results],
        "surprise z": [result.concept.surprise_z if result.concept else None for result in results],
        **{name: [result.intervals.get(name) for result in results] for name in names},
    }
    for name, values in lines.items():
        known = {batch: value for batch, value in enumerate(values) if value is not None}
        axes = _small(name.replace("_", " "))
        middle = [value.value if isinstance(value, Interval) else value for value in known.values()]
        axes.plot([*known], middle, marker="o", markersize=3, color=COLOR)
        for batch, value in known.items():
            if isinstance(value, Interval):
                axes.vlines(batch, value.low, value.high, color=COLOR, alpha=0.4)
        for batch, result in enumerate(results):
            if result.drift.alarm or (result.concept and result.concept.alarm):
                axes.axvline(batch, linestyle="--", linewidth=1, color=ALARM, alpha=0.4)
        ends = 0, len(results) - 1
        axes.set_xticks(ends, [results[batch].end.strftime("%m-%d %H:%M") for batch in ends])
        axes.set_xlim(-0.5, len(results) - 0.5)
        yield image(axes)


def _small(title: str, alarm: bool = False) -> Axes:
    axes = new_axes(4, 2.5)
    axes.set_title(title, fontsize=10, color=ALARM if alarm else "black")
    axes.tick_params(labelsize=8)
    return axes


def _unusual_rows(sample: pd.DataFrame, reference: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield rows with values that the reference lacks, those with most of them first."""
    batch = features(sample).reindex(columns=reference.columns)
    found = pd.DataFrame({name: unusual(reference[name], batch[name]) for name in reference})
    most = found.sum(axis=1).nlargest(ROWS)
    for place in most[most > 0].index:
        values = batch.loc[place][found.loc[place]]
        where = {name: sample.loc[place, name] for name in ("request_id", "row", "time")}
        yield {**where, "values": ", ".join(f"{name} = {value}" for name, value in values.items())}
