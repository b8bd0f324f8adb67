# Managed by copier-mlops: an update merges with your edits.
"""What completes a logged model before it is registered: each module here has a function `prepare(model) -> dict[str, str]`.

It may add files to the model, and returns tags of the version. Nothing is added to the model after that.
"""

from mlflow.models.model import ModelInfo

from ...core.discovery import modules


def prepare(model: ModelInfo) -> dict[str, str]:
    """Let all modules complete a logged model, and return the tags of its version."""
    return {name: text for module in modules(__name__) for name, text in module.prepare(model).items()}
