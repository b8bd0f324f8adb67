# Managed by copier-mlops: an update merges with your edits.
"""Decides from its metrics whether a model is good enough."""

from .config import load_params
from .errors import UserError, reported
from .files import METRICS, read_json


def shortfalls(metrics: dict[str, float], gate: dict[str, float]) -> list[str]:
    """Return a line for each threshold of `gate` that `metrics` miss: none means good enough.

    Args:
        metrics: value by name.
        gate: threshold by `min_NAME` or `max_NAME`.

    Raises:
        UserError: the gate names a metric that there is not.
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


if __name__ == "__main__":
    with reported("gate"):
        if missed := shortfalls(read_json(METRICS), load_params().gate):
            raise UserError(f"the model is not good enough: {'; '.join(missed)}")
    print("gate: the model is good enough")
