"""Where the data comes from and what its columns mean: Breast Cancer Wisconsin of scikit-learn, with names as in a sheet."""

import pandas as pd
from sklearn.datasets import load_breast_cancer

from .params import Data, Split

ENTITY = "No."
TIMESTAMP = "time (UTC)"
TARGET = "benign?"
VALUE = "value"
KNOWN_LATER = ["benign?", "value"]
SLICES: list[str] = []


def ingest(params: Data, seed: int) -> pd.DataFrame:
    """Return one row per tumour; the target is 1 for a benign one."""
    frame = load_breast_cancer(as_frame=True).frame.rename(columns={"target": TARGET})
    frame[ENTITY] = range(len(frame))
    frame[TIMESTAMP] = pd.Timestamp("2026-01-01")
    frame["value"] = 1.0
    return frame


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on and the rows to test on, which are the last ones."""
    cut = round(len(frame) * (1 - params.test_share))
    return frame.iloc[:cut], frame.iloc[cut:]


def features_and_target(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the feature columns and the target column."""
    return frame.drop(columns=[ENTITY, TIMESTAMP, *KNOWN_LATER]), frame[TARGET]
