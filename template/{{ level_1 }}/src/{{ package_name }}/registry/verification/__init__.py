# Managed by copier-mlops: an update merges with your edits.
"""What the files of a version must pass before any of them is loaded: each module here has a function `verify(version, folder)`.

It raises a `UserError`. The server imports this, so modules import no data or model code.
"""

import pkgutil
from importlib import import_module
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion


def verify(version: ModelVersion, folder: Path) -> None:
    """Let all modules verify the files of a version.

    Raises:
        UserError: one of them refuses it.
    """
    for found in pkgutil.iter_modules(__path__):
        import_module(f".{found.name}", __name__).verify(version, folder)
