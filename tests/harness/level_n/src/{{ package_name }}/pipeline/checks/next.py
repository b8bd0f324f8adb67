# Managed by copier-mlops: an update merges with your edits.
"""A model must have a seed below a limit."""

from . import Candidate


def shortfalls(candidate: Candidate) -> list[str]:
    """Return a line if the seed is too high."""
    return ["the seed is too high"] if candidate.params.seed > 1_000 else []
