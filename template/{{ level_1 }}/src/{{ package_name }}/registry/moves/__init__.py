# Managed by copier-mlops: an update merges with your edits.
"""What follows when the champion moves: each module here has a function `follow(client, model, version) -> str`.

It may be called more than once for one move, so that a crash is recovered, and returns what a person has to do, if anything.
"""

import pkgutil
from importlib import import_module

from mlflow import MlflowClient


def follow(client: MlflowClient, model: str, version: str) -> None:
    """Let all modules follow a model's champion to a version, and print what is to be done."""
    for found in pkgutil.iter_modules(__path__):
        if line := import_module(f".{found.name}", __name__).follow(client, model, version):
            print(line)
