# Managed by copier-mlops: an update merges with your edits.
"""Train the model."""

from ...core.io import read_table, write_model
from ...core.paths import TRAIN
from ...modeling.data import features_and_target
from ...modeling.model import build_model
from ..params import load_params


def main() -> None:
    """Write the model, fitted on the training rows."""
    params = load_params()
    model = build_model(params.model, params.seed)
    write_model(model.fit(*features_and_target(read_table(TRAIN))))
