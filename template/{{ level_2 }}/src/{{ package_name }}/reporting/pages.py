# Managed by copier-mlops: an update merges with your edits.
"""Figures that pages hold themselves, so that each page is one file."""

from base64 import b64encode
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ALARM, GRAY = "#b3261e", "#999999"


def new_axes(width: float, height: float, **labels: Any) -> Axes:
    """Return the axes of a new figure, whose size is in inches."""
    axes = Figure(figsize=(width, height), layout="constrained").subplots()
    axes.set(**labels)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def image(axes: Axes, **options: Any) -> str:
    """Return the figure of some axes, saved with options of `savefig`, as a URL that holds it."""
    buffer = BytesIO()
    axes.figure.savefig(buffer, format="png", dpi=110, **options)  # pyrefly: ignore
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
