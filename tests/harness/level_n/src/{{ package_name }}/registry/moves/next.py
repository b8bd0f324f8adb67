# Managed by copier-mlops: an update merges with your edits.
"""A tag of each version that was the champion."""

from mlflow import MlflowClient


def follow(client: MlflowClient, model: str, version: str) -> str:
    """Set the tag."""
    client.set_model_version_tag(model, version, "was_champion", "yes")
    return "the next level follows"
