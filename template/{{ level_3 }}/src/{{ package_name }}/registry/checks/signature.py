# Managed by copier-mlops: an update merges with your edits.
"""What is promoted can be served: servers verify its signature before they load it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.entities.model_registry import ModelVersion

from ...core.errors import UserError
from ..approval import Approval
from ..client import download


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return why servers would refuse the files of the version, if they would."""
    try:
        with TemporaryDirectory() as folder:
            download(version.name, str(version.version), Path(folder))
    except UserError as error:
        return [str(error)]
    return []
