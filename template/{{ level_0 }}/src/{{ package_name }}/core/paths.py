# Managed by copier-mlops: an update merges with your edits.
"""Where the files of the project are, relative to its folder."""

from pathlib import Path

RAW = Path("data/raw.parquet")
TRAIN = Path("data/train.parquet")
TEST = Path("data/test.parquet")
MODEL = Path("models/model.joblib")
INPUTS = Path("models/inputs.json")
REPORTS = Path("reports")
METRICS = REPORTS / "metrics.json"
SLICES = REPORTS / "slices.json"
FIGURES = REPORTS / "figures"
