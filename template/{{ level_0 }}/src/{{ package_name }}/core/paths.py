# Managed by copier-mlops: an update merges with your edits.
"""Where the files of the model are, relative to the folder of the project."""

from pathlib import Path

from .. import FOLDER

PARAMS = Path(FOLDER, "params.yaml")
RAW = Path(FOLDER, "data/raw.parquet")
TRAIN = Path(FOLDER, "data/train.parquet")
TEST = Path(FOLDER, "data/test.parquet")
MODEL = Path(FOLDER, "models/model.joblib")
INPUTS = Path(FOLDER, "models/inputs.json")
REPORTS = Path(FOLDER, "reports")
METRICS = REPORTS / "metrics.json"
SLICES = REPORTS / "slices.json"
FIGURES = REPORTS / "figures"
