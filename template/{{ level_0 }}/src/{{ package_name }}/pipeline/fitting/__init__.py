# Managed by copier-mlops: an update merges with your edits.
"""Other ways to fit the model: each module here has a function `fit(model, features, target)`, which may return None."""

from typing import Any

import pandas as pd

from ...core.discovery import modules


def fit(model: Any, features: pd.DataFrame, target: pd.Series) -> Any:
    """Return the model, fitted by the first module that does not leave it to the next one, or by its own `fit`."""
    for module in modules(__name__):
        if (fitted := module.fit(model, features, target)) is not None:
            return fitted
    return model.fit(features, target)
