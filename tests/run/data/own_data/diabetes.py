"""Where the data comes from and what its columns mean: the diabetes study of Efron et al., as it comes with scikit-learn."""

import pandas as pd
from sklearn.datasets import load_diabetes

from .params import Data, Split

ENTITY = "id"
TIMESTAMP = "time"
TARGET = "target"
VALUE = "value"
KNOWN_LATER = ["target", "value"]
SLICES = ["sex"]


def ingest(params: Data, seed: int) -> pd.DataFrame:
    """Return one row per patient; the target is how far the disease went within a year."""
    frame = load_diabetes(as_frame=True).frame
    frame["older"] = frame["age"] > 0
    frame["treated"] = (frame["s5"] > 0).where(frame["s6"] < 0.05)
    frame["visits"] = pd.Series(range(len(frame)), dtype="Int64").mod(4).where(frame["s6"] < 0.05)
    frame["id"] = range(len(frame))
    frame["time"] = pd.Timestamp("2026-01-01")
    frame["value"] = 1.0
    return frame


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on and the rows to test on, which are the last ones."""
    cut = round(len(frame) * (1 - params.test_share))
    return frame.iloc[:cut], frame.iloc[cut:]


def features_and_target(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the feature columns and the target column."""
    return frame.drop(columns=[ENTITY, TIMESTAMP, *KNOWN_LATER]), frame[TARGET]
