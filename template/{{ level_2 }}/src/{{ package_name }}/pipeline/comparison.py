# Managed by copier-mlops: an update merges with your edits.
"""Compares a candidate with the champion on rows that neither has been trained on: paired bootstrap, non-inferiority margin.

Both predict the same rows, so the difference is taken row by row, and its interval comes from resampling entities with their
rows (Efron and Tibshirani, *An Introduction to the Bootstrap*, chapter 13; the percentile interval). The candidate is not worse if
the whole interval lies below the margin (Piaggio et al., *Reporting of Noninferiority and Equivalence Randomized Trials*, JAMA 2012).
It assumes that entities are independent of each other, and needs more than a handful of them.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel
from scipy import stats

from ..core.inputs import Inputs
from ..core.paths import REPORTS
from ..core.retraining import Limits, Retraining
from ..modeling.data import ENTITY, TIMESTAMP, features_and_target
from ..serving.loader import LoadedModel
from .metrics import as_prediction, predict
from .served import predict_served

PATH = REPORTS / "comparison.json"
MAX_ROWS = 50_000
LEAST_PROBABILITY = 1e-6
BATCH = 50  # resamples at a time: 50,000 rows of different entities take 100 MB
LEAST_ENTITIES = 20  # with fewer, resampling them gives too short intervals: one entity would give a length of zero


class Comparison(BaseModel, frozen=True):
    """The difference of two models; differences are shares of the champion's loss, and negative if the candidate is better."""

    champion: str
    rows: int  # that neither has been trained on
    entities: int  # that they are about
    since: str | None  # time of the champion's newest training row; None if all test rows are new to it
    measure: str
    champion_loss: float | None = None  # None for too few rows
    candidate_loss: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float
    verdict: Literal["better", "not worse", "undecided", "worse", "too few rows", "too few entities"]

    @property
    def passed(self) -> bool:
        """Return whether the candidate may replace the champion."""
        return self.verdict in ("better", "not worse")

    @property
    def line(self) -> str:
        """Return the result in one line."""
        rows = f"{self.rows:,} rows that neither it nor champion {self.champion} was trained on"
        if self.verdict == "too few entities":
            return (
                f"nothing to resample: the {rows} are about {self.entities} of {ENTITY}, and at least {LEAST_ENTITIES} are"
                " needed; if its rows are independent, number them in `ingest` and make the number the ENTITY"
            )
        if self.difference is None:
            return f"too few to compare: {rows}; `comparison.min_rows` in {Retraining.path()} is the limit"
        found = f"{self.measure} {self.difference:+.1%}, {self.low:+.1%} to {self.high:+.1%}"
        return f"{self.verdict}: {found} on {rows} (margin {self.margin:+.1%})"


def compare(
    model: Any, inputs: Inputs, champion: LoadedModel, since: str | None, test: pd.DataFrame, limits: Limits, seed: int
) -> Comparison:
    """Return the comparison of a trained model with the champion, as the server loads it, on test rows of the model.

    `since` is the time of the newest row that the champion was trained on: only later ones are compared; None compares all.
    """
    rows = test if since is None else test[test[TIMESTAMP] > pd.Timestamp(since)]
    rows = rows.sample(MAX_ROWS, random_state=seed) if len(rows) > MAX_ROWS else rows
    entities = rows[ENTITY].nunique()
    about = {
        "champion": champion.version,
        "rows": len(rows),
        "entities": entities,
        "since": since,
        "margin": limits.margin,
    }
    few_rows = len(rows) < limits.min_rows
    if few_rows or entities < LEAST_ENTITIES:
        return Comparison(**about, measure="loss", verdict="too few rows" if few_rows else "too few entities")
    features, target = features_and_target(rows)
    theirs = as_prediction(predict_served(champion, features), champion.predictor.classes, features)
    ours = predict(model, inputs.from_table(features))
    old, new = losses(target, theirs), losses(target, ours)
    low, high = interval(new - old, old, rows[ENTITY], limits, seed)
    return Comparison(
        **about,
        measure="log loss" if isinstance(ours, pd.DataFrame) else "mean absolute error",
        champion_loss=old.mean(),
        candidate_loss=new.mean(),
        difference=(new - old).mean() / old.mean(),
        low=low,
        high=high,
        verdict=_verdict(low, high, limits.margin),
    )


def losses(target: pd.Series, prediction: Any) -> np.ndarray:
    """Return the loss of each row: minus the log of the probability of its class, or the absolute error of a number."""
    if isinstance(prediction, pd.Series):
        return np.abs(prediction.to_numpy() - target.to_numpy())
    of_class = prediction.columns.get_indexer(pd.Index(target))
    found = np.where(of_class < 0, 0.0, prediction.to_numpy()[np.arange(len(target)), of_class])
    return -np.log(np.clip(found, LEAST_PROBABILITY, 1))


def interval(
    difference: np.ndarray, loss: np.ndarray, entities: pd.Series, limits: Limits, seed: int
) -> tuple[float, float]:
    """Return the bootstrap interval of the mean difference of two losses, as a share of the mean loss of the champion.

    Entities are resampled with all their rows; all arrays have the shape (rows,).
    """
    groups, _ = pd.factorize(entities)
    sums = np.bincount(groups, difference), np.bincount(groups, loss)
    found = stats.bootstrap(
        sums,
        lambda change, total, axis: change.sum(axis) / total.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=limits.resamples,
        confidence_level=limits.confidence,
        batch=BATCH,
        rng=seed,
    ).confidence_interval
    return float(found.low), float(found.high)


def _verdict(low: float, high: float, margin: float) -> Literal["better", "not worse", "undecided", "worse"]:
    if high < margin:
        return "better" if high < 0 else "not worse"
    return "worse" if low > 0 else "undecided"
