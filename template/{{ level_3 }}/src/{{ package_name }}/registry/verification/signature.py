# Managed by copier-mlops: an update merges with your edits.
"""A version is signed by one whose signature counts, and its files are those of its run."""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion
from mlflow.models.model import Model

from ...core.errors import UserError
from ...core.signing import Signing


def verify(version: ModelVersion, folder: Path) -> str:
    """Verify the files of a version, if `config/signing.yaml` requires that, and return who signed them.

    Raises:
        UserError: they are refused.
    """
    if not (settings := Signing.load()).required:
        return ""
    named = f"{version.name} {version.version} is not verified"
    try:
        signer = settings.verify(folder)
    except UserError as error:
        remedy = f"`uv run poe sign --version {version.version}` signs it if you trust its files"
        raise UserError(f"{named}: {error}; {remedy}") from error
    if (run := Model.load(str(folder)).run_id) != version.run_id:
        raise UserError(f"{named}: its files are those of the run {run}, not of {version.run_id}")
    return signer
