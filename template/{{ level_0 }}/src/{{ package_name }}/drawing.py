# Managed by copier-mlops: an update merges with your edits.
"""Figures as PNG files, equal for equal content, drawn without a screen."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .files import FIGURES, replacing

COLOUR = "#2f6f9f"
REFERENCE = {"color": "#999999", "linestyle": "--", "linewidth": 1}
MOST_FEATURES = 20


@contextmanager
def drawn(name: str, title: str, xlabel: str, ylabel: str) -> Iterator[Axes]:
    """Yield the axes of the figure `name`; it is written once the block has ended."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    yield axes
    with replacing(FIGURES / f"{name}.png") as partial:
        figure.savefig(partial, format="png", dpi=150)


def draw_importance(importance: pd.Series, scoring: str) -> None:
    """Draw how much worse the model is when a feature is shuffled, most important first.

    Args:
        importance: loss in `scoring` by feature.
        scoring: name of scikit-learn's scorer.
    """
    top = importance.nlargest(MOST_FEATURES).iloc[::-1]
    with drawn("importance", "Importance of features", f"loss in {scoring} when shuffled", "") as axes:
        axes.barh(top.index, top, color=COLOUR)
