# Managed by copier-mlops: an update merges with your edits.
"""The candidate must not be worse than the champion on the same test rows."""

import mlflow

from ...core.errors import UserError
from ...modeling.data import features_and_target
from ...registry.client import champion
from ...registry.governance import Governance
from ...serving.loader import load
from ..metrics import LESS_IS_BETTER, as_prediction, performance
from ..served import predict_served
from . import Candidate


def shortfalls(candidate: Candidate) -> list[str]:
    """Return one line for each metric in which the candidate is worse than the champion by more than the tolerance.

    Empty if there is no champion, or if it cannot predict these rows (which is printed). It predicts as the server does.

    Raises:
        UserError: `config/governance.yaml` names an unknown metric.
    """
    version = champion(mlflow.MlflowClient(), candidate.name)
    if version is None:
        return []
    features, target = features_and_target(candidate.test)
    try:
        loaded = load(candidate.name, version)
        predicted = predict_served(loaded, features)
        best = performance(target, as_prediction(predicted, loaded.predictor.classes, features))
    except (UserError, KeyError, ValueError) as error:
        print(f"  not compared with champion {version}, which cannot predict these rows: {error}")
        return []
    lines = []
    for name, tolerance in Governance.load().compare.items():
        if name not in best:
            known = ", ".join(best)
            raise UserError(f"{Governance.path()}: compare.{name}: no metric is called {name}; there are {known}")
        found, sign = candidate.metrics[name], -1 if name in LESS_IS_BETTER else 1
        if sign * (best[name] - found) > tolerance:
            lines.append(f"{name} {found:.4g} is worse than that of champion {version}, {best[name]:.4g}")
    return lines
