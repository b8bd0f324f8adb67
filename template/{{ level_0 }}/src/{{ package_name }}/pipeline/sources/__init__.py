# Managed by copier-mlops: an update merges with your edits.
"""Further sources of rows: each module here has a function `extend(frame) -> frame`, called with those of `data.ingest`."""

import pandas as pd

from ...core.discovery import modules


def with_further_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the rows of all sources."""
    for module in modules(__name__):
        frame = module.extend(frame)
    return frame
