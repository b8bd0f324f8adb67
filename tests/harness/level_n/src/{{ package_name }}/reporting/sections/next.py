# Managed by copier-mlops: an update merges with your edits.
"""A section of the report."""

TITLE = "What is next"


def markdown() -> str:
    """Return the section."""
    return "| step | when |\n| --- | --- |\n| *level N* | soon |\n"
