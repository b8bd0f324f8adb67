# Managed by copier-mlops: an update merges with your edits.
"""What is promoted can be served: its signature is verified, as each server does."""

import tempfile
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from ...core.errors import UserError
from ...core.signing import Signing
from ..approval import Approval
from ..client import download


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line if the version is not verified; none if `config/signing.yaml` requires no signature."""
    if not Signing.load().required:
        return []
    try:
        with tempfile.TemporaryDirectory() as folder:
            download(version.name, str(version.version), Path(folder))
    except UserError as error:
        return [str(error)]
    return []
