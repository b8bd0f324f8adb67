# Managed by copier-mlops: an update merges with your edits.
"""Promotion checks: each module here has a function `blockers(version, approval) -> list[str]`."""

from mlflow.entities.model_registry import ModelVersion

from ...core.discovery import modules
from ..approval import Approval


def promotion_blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return why a version may not become the champion, one line each; empty if it may."""
    return [line for module in modules(__name__) for line in module.blockers(version, approval)]
