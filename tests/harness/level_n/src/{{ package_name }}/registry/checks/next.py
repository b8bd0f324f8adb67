# Managed by copier-mlops: an update merges with your edits.
"""Only a version that someone has looked at may be promoted."""

from mlflow.entities.model_registry import ModelVersion


def blockers(version: ModelVersion, approved_by: str) -> list[str]:
    """Return a line if the version lacks the tag `looked_at`."""
    return [] if "looked_at" in version.tags else ["it lacks the tag looked_at"]
