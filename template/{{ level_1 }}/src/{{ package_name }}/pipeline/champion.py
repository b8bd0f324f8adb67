# Managed by copier-mlops: an update merges with your edits.
"""The champion, measured on the test rows of the candidate."""

import mlflow
import pandas as pd

from ..core.errors import UserError
from ..core.run_record import Champion
from ..modeling.data import features_and_target
from ..registry import client
from ..serving.loader import load
from .metrics import as_prediction, performance
from .served import predict_served


def measured_champion(model: str, test: pd.DataFrame) -> Champion | None:
    """Return the champion and its metrics on the test rows, which it predicts as the server does.

    None before the first promotion, or if the champion cannot predict these rows (which is printed).
    """
    version = client.champion(mlflow.MlflowClient(), model)
    if version is None:
        return None
    features, target = features_and_target(test)
    try:
        loaded = load(model, version)
        predicted = predict_served(loaded, features)
        metrics = performance(target, as_prediction(predicted, loaded.predictor.classes, features))
    except (UserError, KeyError, ValueError) as error:
        print(f"  not compared with champion {version}, which cannot predict these rows: {error}")
        return None
    return Champion(version=version, metrics=metrics)
