"""From raw columns to model inputs: yours to change.

The transformer is the first step of the model and travels with it, so that training and serving cannot differ.
"""

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.preprocessing import OneHotEncoder


def build_features() -> ColumnTransformer:
    """Return the untrained transformer: categories become indicator columns, numbers pass as they are.

    Missing numbers stay missing: gradient boosting learns from that. A category not seen in training counts as none.
    """
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("categories", categories, make_column_selector(dtype_exclude="number"))],
        remainder="passthrough",
    )
