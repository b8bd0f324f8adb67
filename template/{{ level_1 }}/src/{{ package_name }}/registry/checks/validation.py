# Managed by copier-mlops: an update merges with your edits.
"""What registration and compliance recorded in the tags of a version."""

from mlflow.entities.model_registry import ModelVersion

from ..approval import Approval


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each of quality gate, model card and compliance check that the version did not pass."""
    tags, lines = version.tags, []
    if tags.get("validation_status") != "passed":
        lines.append(f"it did not pass the gate ({tags.get('validation_shortfalls', 'it was never validated')})")
    if empty := tags.get("card_gaps", ""):
        how = "write it where `poe card --check` says, then `poe register` a new version"
        lines.append(f"its model card is empty under {empty} ({how})")
    if tags.get("compliance_check", "passed") != "passed":
        lines.append(f"its compliance check failed: {tags['compliance_check']}")
    return lines
