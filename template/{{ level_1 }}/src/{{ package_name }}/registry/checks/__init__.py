# Managed by copier-mlops: an update merges with your edits.
"""Promotion checks: each module here has a function `blockers(version, approved_by) -> list[str]`."""

import pkgutil
from importlib import import_module

from mlflow.entities.model_registry import ModelVersion


def promotion_blockers(version: ModelVersion, approved_by: str) -> list[str]:
    """Return why a version may not become the champion, one line each; empty if it may."""
    modules = (import_module(f".{found.name}", __name__) for found in pkgutil.iter_modules(__path__))
    return [line for module in modules for line in module.blockers(version, approved_by)]
