# Managed by copier-mlops: an update merges with your edits.
"""Additional sections of the report: each module here has a `TITLE` and a function `markdown() -> str`."""

import pkgutil
from importlib import import_module


def sections() -> dict[str, str]:
    """Return the Markdown of each section by title; a section whose text is empty is left out."""
    modules = (import_module(f".{found.name}", __name__) for found in pkgutil.iter_modules(__path__))
    return {module.TITLE: text for module in modules if (text := module.markdown())}
