# Managed by copier-mlops: an update merges with your edits.
"""Finds extensions by their folder: a module that is put there is used, without a list that names it."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType


def modules(package: str) -> Iterator[ModuleType]:
    """Import and yield the modules in the folder of a package, in the order of their names."""
    for found in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        yield import_module(found.name)
