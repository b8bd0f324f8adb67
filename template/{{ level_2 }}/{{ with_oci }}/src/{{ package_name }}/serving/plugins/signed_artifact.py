# Managed by copier-mlops: an update merges with your edits.
"""Loads versions from their signed artifacts: one that is not verified is never loaded, and what is served goes on."""

from pathlib import Path

from mlflow import MlflowClient

from ...core.artifact import MODEL, Artifact, Artifacts
from ...registry.client import find
from . import Plugin


class SignedArtifact(Plugin):
    """Takes the place of MLflow as the source of all versions, if `config/artifact.yaml` requires signatures."""

    def __init__(self) -> None:
        self._required = Artifacts.load().required

    def download(self, model: str, version: str, folder: Path) -> Path | None:
        """Return the folder of a version whose signature was verified."""
        if not self._required:
            return None
        Artifact.of(model, version, find(MlflowClient(), model, version).tags).pull(folder)
        return folder / MODEL


def plugin() -> Plugin:
    """Return the plug-in."""
    return SignedArtifact()
