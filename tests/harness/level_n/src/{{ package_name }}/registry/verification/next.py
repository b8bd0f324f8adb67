# Managed by copier-mlops: an update merges with your edits.
"""Only what was marked at registration is loaded."""

from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from ...core.errors import UserError


def verify(version: ModelVersion, folder: Path) -> None:
    """Refuse a version without the tag `prepared`."""
    if "prepared" not in version.tags:
        raise UserError(f"version {version.version} was not prepared")
