# Managed by copier-mlops: an update merges with your edits.
"""A new version is fast and without errors, but predicts something else: its release is aborted."""

from . import Evidence
from .harness.release import release


def main() -> Evidence:
    """Release a version whose predictions are far from those of the version in production."""
    return release("predicts far more than the version in production", "predictions", shifted=True)
