# Managed by copier-mlops: an update merges with your edits.
"""The page about a batch: what has drifted, how predictions turned out, how that developed, and which rows are unusual."""

from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core.io import write_text
from ..core.paths import REPORTS
from ..pipeline.figures import COLOR
from ..reporting.html import environment
from .prediction_log import features
from .quality import unusual
from .reference import Reference
from .result import Interval, MonitoringResult

PAGE = REPORTS / "monitoring.html"
ALARM = "#b3261e"
COLUMNS = 12  # small multiples
CATEGORIES = 8  # of a column
ROWS = 10  # examples


def write_page(results: list[MonitoringResult], sample: pd.DataFrame, reference: Reference) -> None:
    """Write `reports/monitoring.html`.

    Args:
        results: of earlier batches and, last, of the one that the page is about.
        sample: of its rows in the prediction log.
        reference: of its version.
    """
    result = results[-1]
    content = {
        "result": result,
        "columns": _columns(result, features(sample), reference.features),
        "history": _history(results),
        "rows": [*_unusual_rows(sample, reference.features)],
    }
    write_text(environment().get_template("monitoring.html.j2").render(model=result.model, **content), PAGE)


def _columns(result: MonitoringResult, batch: pd.DataFrame, reference: pd.DataFrame) -> str:
    """Return small multiples of the columns with the strongest drift: reference and batch."""
    drifted = {one.name: one for one in result.drift.columns if one.name in reference}
    chosen = [one for one in drifted.values() if one.name in batch][:COLUMNS]
    canvas = Figure(figsize=(10, 2.1 * -(-len(chosen) // 4) + 0.3), layout="constrained")
    for place, (axes, one) in enumerate(zip(_grid(canvas, len(chosen)), chosen, strict=True)):
        _compare(axes, reference[one.name], batch[one.name])
        axes.set_title(f"{one.name}\n{one.test}, {one.effect:.3f}", fontsize=8, color=ALARM if one.alarm else "black")
        if place == 0:
            axes.legend(["reference", "batch"], fontsize=6, frameon=False)
    return image(canvas)


def _compare(axes: Axes, reference: pd.Series, batch: pd.Series) -> None:
    pair = [(reference.dropna(), "#999999"), (batch.dropna(), COLOR)]
    if pd.api.types.is_numeric_dtype(reference) and reference.nunique() > CATEGORIES:
        pooled = pd.concat([pair[0][0], pair[1][0]]).astype(float)
        low, high = pooled.quantile(0.005), pooled.quantile(0.995)
        edges = np.linspace(low, high, 25) if low < high else np.array([low - 0.5, low + 0.5])
        for values, color in pair:
            heights = np.histogram(values.astype(float), edges)[0] / max(1, len(values))
            axes.stairs(heights, edges, color=color, fill=color == COLOR, alpha=0.8)
    else:
        kind = float if pd.api.types.is_numeric_dtype(reference) else str
        shares = pd.DataFrame([each.astype(kind).value_counts(normalize=True) for each, _ in pair]).T.fillna(0)
        shares = shares.loc[shares.max(axis=1).nlargest(CATEGORIES).index].sort_index()
        for place, (_, color) in enumerate(pair):
            axes.bar(np.arange(len(shares)) + 0.4 * place, shares.iloc[:, place], 0.4, color=color)
        names = [str(name)[:10] for name in shares.index]
        axes.set_xticks(np.arange(len(names)) + 0.2, names, rotation=45, fontsize=6)


def _history(results: list[MonitoringResult]) -> str:
    """Return time lines: drift, surprise, and each metric with its interval."""
    names = dict.fromkeys(name for result in results for name in result.intervals)
    lines: dict[str, list[Any]] = {
        "largest effect of a column": [max([0.0, *(one.effect for one in result.drift.columns)]) for result in results],
        "columns with drift": [float(sum(one.alarm for one in result.drift.columns)) for result in results],
        "surprise z": [result.concept.surprise_z if result.concept else None for result in results],
        **{name: [result.intervals.get(name) for result in results] for name in names},
    }
    canvas = Figure(figsize=(10, 2.0 * -(-len(lines) // 3) + 0.3), layout="constrained")
    for axes, (name, values) in zip(_grid(canvas, len(lines), 3), lines.items(), strict=True):
        known = {batch: value for batch, value in enumerate(values) if value is not None}
        middle = [value.value if isinstance(value, Interval) else value for value in known.values()]
        axes.plot([*known], middle, marker="o", markersize=3, color=COLOR)
        for batch, value in known.items():
            if isinstance(value, Interval):
                axes.vlines(batch, value.low, value.high, color=COLOR, alpha=0.4)
        for batch, result in enumerate(results):
            if result.drift.alarm or (result.concept and result.concept.alarm):
                axes.axvline(batch, linestyle="--", linewidth=1, color=ALARM, alpha=0.4)
        axes.set_title(name.replace("_", " "), fontsize=8)
        ends = sorted({0, len(results) - 1})
        axes.set_xticks(ends, [results[batch].end.strftime("%m-%d %H:%M") for batch in ends])
    return image(canvas)


def _unusual_rows(sample: pd.DataFrame, reference: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield rows with values that the reference lacks, those with most of them first."""
    batch = features(sample).reindex(columns=reference.columns)
    found = pd.DataFrame({name: unusual(reference[name], batch[name]) for name in reference})
    most = found.sum(axis=1).nlargest(ROWS)
    for place in most[most > 0].index:
        values = batch.loc[place][found.loc[place]]
        where = {name: sample.loc[place, name] for name in ("request_id", "row", "time")}
        yield {**where, "values": ", ".join(f"{name} = {value}" for name, value in values.items())}


def _grid(canvas: Figure, count: int, width: int = 4) -> list[Axes]:
    """Return axes in rows."""
    axes = np.ravel(canvas.subplots(max(1, -(-count // width)), width)).tolist()
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(labelsize=6)
    for each in axes[count:]:
        each.set_visible(False)
    return axes[:count]


def image(canvas: Figure) -> str:
    """Return a figure as a URL that holds it, so that the page is one file."""
    buffer = BytesIO()
    canvas.savefig(buffer, format="png", dpi=110)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
