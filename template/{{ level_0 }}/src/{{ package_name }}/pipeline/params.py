# Managed by copier-mlops: an update merges with your edits.
"""Reads `params.yaml`."""

from pathlib import Path

from ..core.config import load
from ..modeling.params import Params


def load_params() -> Params:
    """Return the parameters in `params.yaml`."""
    return load(Path("params.yaml"), Params)
