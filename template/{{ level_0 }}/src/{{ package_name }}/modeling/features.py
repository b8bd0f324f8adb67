"""From raw columns to model inputs: yours to change.

The transformer is the first step of the model and travels with it, so that training and serving cannot differ.
"""

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder

MAX_CATEGORIES = 200  # of a column; beyond them, all rare ones are a single category


def build_features() -> ColumnTransformer:
    """Return the untrained transformer: texts become indicator columns, numbers and booleans pass as they are.

    Missing numbers stay missing: gradient boosting learns from that. A text not seen in training counts
    as none. Times are left out: make numbers of them in `data.ingest`, such as the days since a purchase.
    """
    categories = OneHotEncoder(max_categories=MAX_CATEGORIES, handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("categories", categories, texts),
            ("booleans", "passthrough", booleans),
            ("numbers", "passthrough", numbers),
        ]
    )


def texts(features: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold text."""
    return features.select_dtypes(["object", "string", "category"]).columns.tolist()


def booleans(features: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold booleans: together with numbers they would become objects."""
    return features.select_dtypes("bool").columns.tolist()


def numbers(features: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold numbers, unless all are missing."""
    return features.select_dtypes("number").dropna(axis="columns", how="all").columns.tolist()
