# Managed by copier-mlops: an update merges with your edits.
"""The candidate must not be worse than the champion on rows that neither has been trained on; writes `reports/comparison.json`."""

import mlflow

from ...core.inputs import Inputs
from ...core.io import write_json
from ...core.lineage import dvc_hash
from ...core.paths import RAW
from ...core.retraining import Retraining
from ...registry.client import find
from ...serving.loader import load
from ..comparison import PATH, compare
from . import Candidate

REPLACES = "champion"  # the check whose limits on the difference of single metrics chance alone can miss


def shortfalls(candidate: Candidate) -> list[str]:
    """Return a line if the candidate may be worse; empty if it is not, or if there is no champion to compare with."""
    PATH.unlink(missing_ok=True)
    if candidate.champion is None:
        return []
    made_from = find(mlflow.MlflowClient(), candidate.name, candidate.champion.version).tags
    same_data = made_from.get("data_md5") == dvc_hash(RAW)  # so the same rows are test rows, however they are split
    since = None if same_data else made_from.get("trained_until")
    champion = load(candidate.name, candidate.champion.version)
    limits, seed = Retraining.load().comparison, candidate.params.seed
    found = compare(candidate.model, Inputs.read(), champion, since, candidate.test, limits, seed)
    write_json(found.model_dump(mode="json"), PATH)
    return [] if found.passed else [found.line]
