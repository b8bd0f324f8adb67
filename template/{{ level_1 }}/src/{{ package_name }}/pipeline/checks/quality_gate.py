# Managed by copier-mlops: an update merges with your edits.
"""The candidate must meet the thresholds of `gate` in `params.yaml`."""

from .. import gate
from . import Candidate


def shortfalls(candidate: Candidate) -> list[str]:
    """Return one line for each threshold that the candidate misses."""
    return gate.shortfalls(candidate.metrics, candidate.params.gate)
