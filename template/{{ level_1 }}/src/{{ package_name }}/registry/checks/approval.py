# Managed by copier-mlops: an update merges with your edits.
"""Four-eyes principle: the author of a version cannot approve it."""

from mlflow.entities.model_registry import ModelVersion

from ..governance import Governance


def blockers(version: ModelVersion, approved_by: str) -> list[str]:
    """Return a line if the approver made the version and `config/governance.yaml` forbids that."""
    if Governance.load().four_eyes and approved_by.casefold() == version.tags.get("author", "").casefold():
        return [f"{approved_by} made it, and config/governance.yaml requires four eyes: another person must approve"]
    return []
