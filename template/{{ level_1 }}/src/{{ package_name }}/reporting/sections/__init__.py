# Managed by copier-mlops: an update merges with your edits.
"""Additional sections of the report: each module here has a `TITLE` and a function `markdown() -> str`."""

from ...core.discovery import modules


def sections() -> dict[str, str]:
    """Return the Markdown of each section by title; a section whose text is empty is left out."""
    return {module.TITLE: text for module in modules(__name__) if (text := module.markdown())}
