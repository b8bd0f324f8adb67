# Managed by copier-mlops: an update merges with your edits.
"""Train the model."""

from ..config import load_params
from ..data import features_and_target
from ..files import TRAIN, read_table, write_model
from ..model import build_model


def main() -> None:
    """Write the model, trained on the training rows."""
    params = load_params()
    model = build_model(params.model, params.seed)
    write_model(model.fit(*features_and_target(read_table(TRAIN))))
