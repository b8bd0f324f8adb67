# Managed by copier-mlops: an update merges with your edits.
"""Figures as PNG files, byte-identical for identical content, drawn without a display."""

from collections.abc import Generator
from contextlib import contextmanager

import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core.io import atomic_write
from ..core.paths import FIGURES
from .metrics import SCORING

COLOR = "#2f6f9f"
REFERENCE_LINE = {"color": "#999999", "linestyle": "--", "linewidth": 1}
MAX_FEATURES = 20
rcParams["text.parse_math"] = False  # names of columns and classes are no formulas, such as "$1 to $5"


@contextmanager
def figure(name: str, title: str, xlabel: str, ylabel: str, scale: float = 1) -> Generator[Axes]:
    """Yield the axes of the figure `name`, which is saved at the end of the block; with a scale, it is that much larger."""
    canvas = Figure(figsize=(6 * scale, 4.5 * scale), layout="constrained")
    axes = canvas.subplots()
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    yield axes
    with atomic_write(FIGURES / f"{name}.png") as temporary:
        canvas.savefig(temporary, format="png", dpi=150)


def plot_importance(importance: pd.Series) -> None:
    """Plot by how much `metrics.SCORING` gets worse, by feature, most important feature first."""
    top = importance.nlargest(MAX_FEATURES).iloc[::-1]
    with figure("importance", "Permutation importance", f"increase of {SCORING} when shuffled", "") as axes:
        axes.barh(top.index, top, color=COLOR)
