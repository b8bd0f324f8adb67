# Managed by copier-mlops: an update merges with your edits.
"""What follows when the champion moves: each module here has a function `follow(client, model, version) -> str`.

It may be called more than once for one move, so that a crash is recovered, and returns what a person has to do, if anything.
"""

from mlflow import MlflowClient

from ...core.discovery import modules


def follow(client: MlflowClient, model: str, version: str) -> None:
    """Let all modules follow a model's champion to a version, and print what is to be done."""
    for module in modules(__name__):
        if line := module.follow(client, model, version):
            print(line)
