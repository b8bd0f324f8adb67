# Managed by copier-mlops: an update merges with your edits.
"""Limits of metrics, written as `min_NAME` or `max_NAME`, in `params.yaml` and `config/governance.yaml` alike."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from .errors import UserError

Thresholds = dict[Annotated[str, Field(pattern="^(min|max)_.+$")], float]


def metric_of(threshold: str) -> str:
    """Return the metric that a threshold limits."""
    return threshold.partition("_")[2]


def misses(value: float, threshold: str, limit: float) -> bool:
    """Return whether a metric is on the wrong side of its limit."""
    return value < limit if threshold.startswith("min_") else value > limit


def check_names(thresholds: Mapping[str, float], metrics: Iterable[str], place: str) -> None:
    """Check that the thresholds at `place`, such as `params.yaml: gate`, name metrics that exist.

    Raises:
        UserError: one does not; lists those that do.
    """
    known = [*metrics]
    for threshold in thresholds:
        if (name := metric_of(threshold)) not in known:
            raise UserError(f"{place}.{threshold}: no metric is called {name}; there are {', '.join(known)}")
