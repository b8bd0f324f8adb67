# Managed by copier-mlops: an update merges with your edits.
"""Train the model."""

from typing import Any

from ...core.errors import UserError
from ...core.inputs import Inputs
from ...core.io import read_table, write_model
from ...core.paths import TEST, TRAIN
from ...modeling.data import features_and_target
from ...modeling.model import build_model
from ...modeling.params import Params
from ..evaluation import check_gate
from ..fitting import fit
from ..params import load_params


def main() -> None:
    """Write the model, fitted on the training rows, and the types of its input columns.

    Raises:
        UserError: `gate` in `params.yaml` names an unknown metric, or `model` a parameter that the estimator lacks.
    """
    params, train, test = load_params(), read_table(TRAIN), read_table(TEST)
    check_gate(train, test, params)
    features, target = features_and_target(train)
    # Test rows do not train, but what is missing in one of them may be missing in a request.
    inputs = Inputs.of(features, features_and_target(test)[0])
    write_model(fit(untrained(params), inputs.from_table(features), target))
    inputs.write()


def untrained(params: Params) -> Any:
    """Return the untrained model.

    Raises:
        UserError: the estimator does not accept one of the parameters.
    """
    try:
        return build_model(params.model, params.seed)
    except TypeError as error:
        raise UserError(f"params.yaml: model: {error}; see `build_model` in modeling/model.py") from error
