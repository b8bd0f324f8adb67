# Managed by copier-mlops: an update merges with your edits.
"""What the files of a version must pass before any of them is loaded: each module here has a function `verify(version, folder)`.

It raises a `UserError`. The server imports this, so modules import no data or model code.
"""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from ...core.discovery import modules


def verify(version: ModelVersion, folder: Path) -> None:
    """Let all modules verify the files of a version.

    Raises:
        UserError: one of them refuses it.
    """
    for module in modules(__name__):
        module.verify(version, folder)
