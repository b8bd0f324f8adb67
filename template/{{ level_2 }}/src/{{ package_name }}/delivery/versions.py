# Managed by copier-mlops: an update merges with your edits.
"""Versions that a server of this machine can find."""

import mlflow
from pydantic import BaseModel

from ..core.errors import UserError
from ..registry.client import connected, find


class Version(BaseModel, frozen=True):
    """A version, and an alias under which it is served."""

    alias: str
    version: str


def find_version(model: str, name: str) -> Version:
    """Return a version by its alias or number.

    Raises:
        UserError: there is none, or it has no alias.
    """
    with connected():
        found = find(mlflow.MlflowClient(), model, name)
    if not found.aliases:
        raise UserError(
            f"version {found.version} of {model} has no alias, which servers need: `poe versions` lists all"
        )
    return Version(alias=name if name in found.aliases else found.aliases[0], version=str(found.version))


def find_two(model: str, served: str, further: str) -> tuple[Version, Version]:
    """Return the version in production and another one.

    Raises:
        UserError: see `find_version`, or both are the same.
    """
    first, second = find_version(model, served), find_version(model, further)
    if first.version == second.version:
        raise UserError(f"{served} and {further} are the same version {first.version}: name another one")
    return first, second
