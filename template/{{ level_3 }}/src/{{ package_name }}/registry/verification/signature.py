# Managed by copier-mlops: an update merges with your edits.
"""The signature of a version is that of someone who counts, and its files are those of its run."""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion
from mlflow.models.model import Model

from ...core.errors import UserError
from ...core.signing import Signing


def verify(version: ModelVersion, folder: Path) -> str:
    """Verify the files of a version, if `config/signing.yaml` requires that, and return who signed them.

    Raises:
        UserError: they are not verified.
    """
    if not (settings := Signing.load()).required:
        return ""
    named = f"{version.name} {version.version}"
    try:
        signer = settings.verify(folder)
    except UserError as error:
        raise UserError(
            f"{named} is not verified: {error}; `uv run poe sign --version {version.version}` signs what you trust"
        ) from error
    if (run := Model.load(str(folder)).run_id) != version.run_id:
        raise UserError(f"{named} is not verified: its files are those of the run {run}, not of {version.run_id}")
    return signer
