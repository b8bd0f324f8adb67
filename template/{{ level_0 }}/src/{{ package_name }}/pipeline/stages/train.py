# Managed by copier-mlops: an update merges with your edits.
"""Train the model."""

from ...core.inputs import Inputs
from ...core.io import read_table, write_model
from ...core.paths import TEST, TRAIN
from ...modeling.data import features_and_target
from ...modeling.model import build_model
from ..params import load_params


def main() -> None:
    """Write the model, fitted on the training rows, and the types of its input columns."""
    params = load_params()
    features, target = features_and_target(read_table(TRAIN))
    # Test rows do not train, but what is missing in one of them may be missing in a request.
    inputs = Inputs.of(features, features_and_target(read_table(TEST))[0])
    write_model(build_model(params.model, params.seed).fit(inputs.from_table(features), target))
    inputs.write()
