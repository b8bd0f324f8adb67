# Managed by copier-mlops: an update merges with your edits.
"""Writes how much each column contributes to the predictions of the candidate, `reports/explanations.json`; refuses none."""

from typing import Any

import numpy as np

from ...core.explanations import PERMUTATION, REPORT, Explainer
from ...core.inputs import Inputs
from ...core.io import write_json
from ...modeling.data import features_and_target
from ..stages.evaluate import importance
from . import Candidate

ROWS = 1_000


def shortfalls(candidate: Candidate) -> list[str]:
    """Write the report, and return nothing."""
    write_json(report(candidate), REPORT)
    return []


def report(candidate: Candidate) -> dict[str, Any]:
    """Return the mean absolute contribution of each column over test rows, or else how much worse the score is without it."""
    features, target = features_and_target(candidate.test)
    frame = Inputs.read().from_table(features)
    frame = frame.sample(min(ROWS, len(frame)), random_state=candidate.params.seed)
    found: dict[str, Any] = {"model": candidate.name, "rows": len(frame), "why": None, "means": None}
    try:
        explainer = Explainer(candidate.model, [*map(str, frame)])
        explainer.average(frame)
        each, _ = explainer.explain(frame)
        values = np.abs(each).sum(axis=1).mean(axis=0)
        found |= {"method": explainer.method, "means": None if explainer.means is None else explainer.means.tolist()}
    except Exception as error:  # noqa: BLE001 - explained in another way
        print(f"  explained by {PERMUTATION} only: {error}")
        values = importance(candidate.model, frame, target.loc[frame.index], candidate.params.seed).to_numpy()
        found |= {"method": PERMUTATION, "why": str(error)}
    columns = sorted(zip(frame, values.tolist(), strict=True), key=lambda one: -one[1])
    return {**found, "columns": dict(columns)}
