# Managed by copier-mlops: an update merges with your edits.
"""The quality gate: compares metrics with the thresholds in `params.yaml`."""

from ..core.thresholds import Thresholds, check_names, metric_of, misses

PLACE = "params.yaml: gate"


def shortfalls(metrics: dict[str, float], gate: Thresholds) -> list[str]:
    """Return one line for each threshold of `gate` that `metrics` miss; empty if the model passes.

    Raises:
        UserError: the gate names an unknown metric.
    """
    check_names(gate, metrics, PLACE)
    return [
        f"{metric_of(threshold)} {metrics[metric_of(threshold)]:.4g} misses {threshold} {limit:g}"
        for threshold, limit in gate.items()
        if misses(metrics[metric_of(threshold)], threshold, limit)
    ]
