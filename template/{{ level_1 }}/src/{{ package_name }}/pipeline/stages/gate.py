# Managed by copier-mlops: an update merges with your edits.
"""Check that the model trained last meets the thresholds of `params.yaml`; for CI, which registers nothing."""

from ...core.errors import UserError
from ...core.io import read_json
from ...core.paths import METRICS
from ..gate import shortfalls
from ..params import load_params


def main() -> None:
    """Print that the model passed, or raise one line with all thresholds that it misses.

    Raises:
        UserError: it misses a threshold; one line for all.
    """
    if missed := shortfalls(read_json(METRICS), load_params().gate):
        raise UserError(f"the model failed the quality gate: {'; '.join(missed)}")
    print("  the model passed the quality gate")
