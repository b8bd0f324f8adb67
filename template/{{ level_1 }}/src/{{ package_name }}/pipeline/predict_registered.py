# Managed by copier-mlops: an update merges with your edits.
"""Predicts the rows of a file with a version of the registry: `poe predict FILE --version N`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow

from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import read_model
from ..registry.client import INPUTS, Tracking, connected, download, find
from ..serving.loader import load_native
from .predict import parser, predict_file


def main() -> None:
    """Predict with the named version, or with the model that was trained last."""
    command = parser()
    command.add_argument("--version", help="number or alias in the registry; default: the model trained last")
    arguments = command.parse_args()
    with exit_on_user_error("predict"):
        found = registered(arguments.version) if arguments.version else (read_model(), Inputs.read(), None)
        model, inputs, version = found
        print(predict_file(model, inputs, arguments.file, arguments.output, version))


def registered(version: str) -> tuple[Any, Inputs, str]:
    """Return a model of the registry by its number or alias, its inputs, and its number."""
    with connected():
        found = find(mlflow.MlflowClient(), Tracking.load().model, version)
        number = str(found.version)
        metadata = mlflow.models.get_model_info(f"models:/{found.name}/{number}").metadata or {}
        if INPUTS not in metadata:
            raise UserError(f"{found.name} {number} was not registered by `poe register`: its inputs are unknown")
        with TemporaryDirectory() as folder:
            model = load_native(str(download(found.name, number, Path(folder))), found.name, number)
        return model, Inputs.from_records(metadata[INPUTS]), number


if __name__ == "__main__":
    main()
