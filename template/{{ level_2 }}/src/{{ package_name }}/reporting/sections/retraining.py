# Managed by copier-mlops: an update merges with your edits.
"""The section of the report about the last retraining."""

from ...core.io import read_json
from .. import retraining

TITLE = "Retraining"


def markdown() -> str:
    """Return the evidence of the last retraining; nothing before the first."""
    return retraining.markdown(read_json(retraining.RECORD)) if retraining.RECORD.exists() else ""
