# Managed by copier-mlops: an update merges with your edits.
"""The candidate must not be worse than the champion on the same test rows."""

import mlflow

from ...core.errors import UserError
from ...modeling.data import features_and_target
from ...registry.client import champion
from ...registry.governance import Governance
from ..metrics import performance, predict
from . import Candidate


def shortfalls(candidate: Candidate) -> list[str]:
    """Return one line for each metric in which the candidate is worse than the champion by more than the tolerance.

    Empty if there is no champion, or if it cannot read these columns (which is printed).

    Raises:
        UserError: `config/governance.yaml` names an unknown metric.
    """
    version = champion(mlflow.MlflowClient(), candidate.name)
    if version is None:
        return []
    features, target = features_and_target(candidate.test)
    try:
        best = performance(target, predict(mlflow.sklearn.load_model(f"models:/{candidate.name}/{version}"), features))
    except (KeyError, ValueError) as error:
        print(f"  not compared with champion {version}, which cannot read these columns: {error}")
        return []
    lines = []
    for name, tolerance in Governance.load().compare.items():
        if name not in best:
            known = ", ".join(best)
            raise UserError(f"{Governance.path()}: compare.{name}: no metric is called {name}; there are {known}")
        found = candidate.metrics[name]
        if found < best[name] - tolerance:
            lines.append(f"{name} {found:.4g} is worse than that of champion {version}, {best[name]:.4g}")
    return lines
