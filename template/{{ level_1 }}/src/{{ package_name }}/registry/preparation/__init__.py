# Managed by copier-mlops: an update merges with your edits.
"""What completes a logged model before it is registered: each module here has a function `prepare(model) -> dict[str, str]`.

It may add files to the model, and returns tags of the version. Nothing is added to the model after that.
"""

import pkgutil
from importlib import import_module

from mlflow.models.model import ModelInfo


def prepare(model: ModelInfo) -> dict[str, str]:
    """Let all modules complete a logged model, and return the tags of its version."""
    modules = (import_module(f".{found.name}", __name__) for found in pkgutil.iter_modules(__path__))
    return {name: text for module in modules for name, text in module.prepare(model).items()}
