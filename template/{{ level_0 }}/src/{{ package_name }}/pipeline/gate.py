# Managed by copier-mlops: an update merges with your edits.
"""The quality gate: compares metrics with the thresholds in `params.yaml`."""

from ..core.errors import UserError


def shortfalls(metrics: dict[str, float], gate: dict[str, float]) -> list[str]:
    """Return one line for each threshold of `gate` that `metrics` miss; empty if the model passes.

    Args:
        metrics: value by name.
        gate: threshold by `min_NAME` or `max_NAME`.

    Raises:
        UserError: the gate names an unknown metric.
    """
    lines = []
    for threshold, limit in gate.items():
        side, _, name = threshold.partition("_")
        if name not in metrics:
            raise UserError(
                f"params.yaml: gate.{threshold}: no metric is called {name}; there are {', '.join(metrics)}"
            )
        if metrics[name] < limit if side == "min" else metrics[name] > limit:
            lines.append(f"{name} {metrics[name]:.4g} misses {threshold} {limit:g}")
    return lines
