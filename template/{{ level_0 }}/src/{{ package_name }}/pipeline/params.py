# Managed by copier-mlops: an update merges with your edits.
"""Reads `params.yaml`."""

from ..core.config import load
from ..core.paths import PARAMS
from ..modeling.params import Params


def load_params() -> Params:
    """Return the parameters in `params.yaml`."""
    return load(PARAMS, Params)
