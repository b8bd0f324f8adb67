# Managed by copier-mlops: an update merges with your edits.
"""The champion, measured on the test rows of the candidate."""

import mlflow
import pandas as pd

from ..core.run_record import Champion
from ..modeling.data import features_and_target
from ..registry import client
from .metrics import performance, predict


def measured_champion(model: str, test: pd.DataFrame) -> Champion | None:
    """Return the champion and its metrics on the test rows.

    None before the first promotion, or if the champion cannot read these columns (which is printed).
    """
    version = client.champion(mlflow.MlflowClient(), model)
    if version is None:
        return None
    features, target = features_and_target(test)
    try:
        prediction = predict(mlflow.sklearn.load_model(f"models:/{model}/{version}"), features)
        return Champion(version=version, metrics=performance(target, prediction))
    except (KeyError, ValueError) as error:
        print(f"  not compared with champion {version}, which cannot read these columns: {error}")
        return None
