# Managed by copier-mlops: an update merges with your edits.
"""Promotion checks: each module here has a function `blockers(version, approval) -> list[str]`."""

import pkgutil
from importlib import import_module

from mlflow.entities.model_registry import ModelVersion

from ..approval import Approval


def promotion_blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return why a version may not become the champion, one line each; empty if it may."""
    modules = (import_module(f".{found.name}", __name__) for found in pkgutil.iter_modules(__path__))
    return [line for module in modules for line in module.blockers(version, approval)]
