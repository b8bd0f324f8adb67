# Managed by copier-mlops: an update merges with your edits.
"""Where the files of the model are, relative to the folder of the project."""

import os
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


def user_path(text: str) -> Path:
    """Return a path of the command line: tasks run in the folder of the project, users also call them in a folder below."""
    here, called_in = Path.cwd(), Path(os.environ.get("POE_PWD", "."))
    return Path(called_in.relative_to(here), text) if called_in.is_relative_to(here) else Path(text)
