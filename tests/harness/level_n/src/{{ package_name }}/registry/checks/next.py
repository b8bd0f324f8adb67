# Managed by copier-mlops: an update merges with your edits.
"""Only a version that someone has looked at may be promoted."""

from mlflow.entities.model_registry import ModelVersion

from ..approval import Approval


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line if the version lacks the tag `looked_at`."""
    return [] if "looked_at" in version.tags else ["it lacks the tag looked_at"]
