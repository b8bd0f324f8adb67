# Managed by copier-mlops: an update merges with your edits.
"""What is promoted can be served: it has a signed artifact, which each server verifies."""

from mlflow.entities.model_registry import ModelVersion

from ...core.artifact import TAG, Artifacts
from ..approval import Approval


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line if the version has no signed artifact, unless `config/artifact.yaml` allows that."""
    if not Artifacts.load().required or TAG in version.tags:
        return []
    return [
        f"it has no signed artifact: run the workflow Sign model, or `poe artifact push --version {version.version}`"
    ]
