# Managed by copier-mlops: an update merges with your edits.
"""Measures predictions whose outcomes are known, estimates those whose outcomes are not, and tests whether the two fit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from ..core.column_types import group_name
from ..core.thresholds import metric_of
from ..modeling.data import SLICES, TARGET
from ..modeling.model import business_kpi
from ..modeling.params import Params
from ..pipeline import gate
from ..pipeline.metrics import performance
from .prediction_log import Window, features
from .reference import Reference
from .result import Interval, Kpi, Performance, Slice

GROUPS = 10  # of the jackknife
MIN_SLICE_ROWS = 30
BINS = 10  # of predicted numbers
SMALLEST = 1e-6  # probability
ROUNDING = 1e-12  # relative error of a metric that is computed on different rows


@dataclass(frozen=True)
class Truth:
    """Predictions and their outcomes."""

    target: pd.Series
    prediction: Any  # as `pipeline.metrics.predict` returns it
    value: pd.Series
    groups: pd.DataFrame  # the columns of `data.SLICES` that are features

    @classmethod
    def of(cls, rows: pd.DataFrame, reference: Reference) -> "Truth":
        """Return those of rows of `labels.labeled` that have a label."""
        rows = rows[rows["target"].notna()].reset_index(drop=True)
        table = features(rows)
        target = rows["target"].astype(reference.target.dtype).rename(TARGET)
        groups = table[[name for name in SLICES if name in table]]
        return cls(target, as_prediction(rows["output"], reference.classes), rows["value"].astype(float), groups)

    def rows(self, chosen: Any) -> "Truth":
        """Return some of the rows, by position."""
        target, prediction, value, groups = self.target, self.prediction, self.value, self.groups
        return Truth(target.iloc[chosen], prediction.iloc[chosen], value.iloc[chosen], groups.iloc[chosen])


def as_prediction(output: pd.Series, classes: list[Any] | None) -> Any:
    """Return logged outputs as `pipeline.metrics.predict` does: a column for each class, or numbers."""
    values = np.array(output.tolist(), float).reshape(len(output), -1)
    return pd.Series(values[:, 0]) if classes is None else pd.DataFrame(values, columns=classes)


def intervals(statistic: Callable[[Truth], dict[str, float]], truth: Truth) -> dict[str, Interval]:
    """Return statistics with 95 % intervals, by the jackknife that leaves out a group of rows at a time.

    It holds for smooth statistics of independent rows (Efron and Tibshirani 1993, chapter 11).
    """
    found, count = statistic(truth), len(truth.target)
    groups = np.random.default_rng(0).permutation(count) % GROUPS
    without = pd.DataFrame([statistic(truth.rows(np.flatnonzero(groups != group))) for group in range(GROUPS)])
    errors = without.std(ddof=0) * float(stats.t.ppf(0.975, GROUPS - 1)) * (GROUPS - 1) ** 0.5
    errors = errors.mask(errors < ROUNDING * without.abs().max(), 0.0)
    return {
        name: Interval(value=value, low=value - errors[name], high=value + errors[name])
        for name, value in found.items()
        if name in errors and np.isfinite(value) and np.isfinite(errors[name])
    }


def measure(
    rows: pd.DataFrame, window: Window, reference: Reference, params: Params, by_slice: bool = True
) -> tuple[Performance, Kpi | None]:
    """Return the performance and the business KPI of predictions whose labels are due.

    The rows are all of a window, as `labels.labeled` returns them. Labels of classes that the version lacks are left out,
    since no metric is defined for them: see `new_classes`.
    """
    truth = Truth.of(rows, reference)
    labels = len(truth.target)
    if reference.classes is not None:
        truth = truth.rows(np.flatnonzero(truth.target.isin(reference.classes)))

    def quality(some: Truth) -> dict[str, float]:
        return performance(some.target, some.prediction)

    def worth(some: Truth) -> dict[str, float]:
        return business_kpi(some.target, some.prediction, some.value, params.business)

    metrics, kpi = intervals(quality, truth), intervals(worth, truth)
    slices = [
        Slice(column=column, group=group_name(group), rows=len(found), metrics=intervals(quality, truth.rows(found)))
        for column in map(str, truth.groups)
        for group, found in truth.groups.groupby(column, dropna=False).indices.items()
        if by_slice and len(found) >= MIN_SLICE_ROWS
    ]
    measured = metrics | kpi
    known = {limit: value for limit, value in params.gate.items() if metric_of(limit) in measured}
    best = {metric_of(limit): measured[metric_of(limit)].best(limit) for limit in known}
    found = Performance(
        start=window.start,
        end=window.end,
        labeled=labels,
        due=len(rows),
        metrics=metrics,
        slices=slices,
        shortfalls=gate.shortfalls(best, known),
        estimated={},
    )
    name = next(iter(kpi), None)
    return found, Kpi(name=name, **kpi[name].model_dump()) if name else None


def new_classes(target: pd.Series, reference: Reference) -> pd.Series:
    """Return the number of labels of each class that a version lacks, with the classes as index."""
    labels = target.dropna()
    known = labels if reference.classes is None else reference.classes
    return labels[~labels.isin(known)].astype(reference.target.dtype).value_counts()


class Expectation:
    """What a version expects of outcomes, learned from its test rows.

    Probabilities are recalibrated by Platt's scaling: with the few hundred test rows that many projects have, isotonic
    regression follows their noise, and the test below then raises alarms without a cause.
    """

    def __init__(self, reference: Reference) -> None:
        self._classes, self._rows = reference.classes, len(reference.target)
        prediction = as_prediction(reference.output, reference.classes)
        target = reference.target.reset_index(drop=True)
        if reference.classes is None:
            self._edges = np.unique(np.quantile(prediction, np.linspace(0, 1, BINS + 1)[1:-1]))
            residual = target - prediction
            bins = np.digitize(prediction, self._edges)
            self._bias = residual.groupby(bins).agg(["mean", "var"])
            self._size = residual.abs().groupby(bins).agg(["mean", "var"])
        else:
            from sklearn.linear_model import LogisticRegression

            event, probability = self._event(target, prediction)
            both = 0 < event.mean() < 1
            self._platt = LogisticRegression(C=1e6).fit(_logit(probability)[:, None], event) if both else None

    def surprise(self, target: pd.Series, prediction: Any) -> float:
        """Return how little outcomes fit predictions, as a z: standard normal while nothing changed but the inputs.

        For classes it is the score test of recalibration (Cox 1958): is the event more or less frequent than predicted, and
        are large probabilities less certain? For numbers: are predictions biased, and are errors larger, given the
        prediction? Unlike a loss it does not react to rows that are merely harder. Its variance counts the test rows, too.
        """
        inflation = 1 + len(target) / self._rows
        if self._classes is None:
            residual, bins = (target - prediction).to_numpy(), np.digitize(prediction, self._edges)
            parts = [
                _standardized(value - known["mean"].reindex(bins).to_numpy(), known["var"].reindex(bins).to_numpy())
                for value, known in ((residual, self._bias), (np.abs(residual), self._size))
            ]
        else:
            event, probability = self._event(target, prediction)
            expected = self._calibrated(probability)
            variance, logit = expected * (1 - expected), _logit(expected)
            slope = (logit * variance).sum() / variance.sum() - logit  # independent of the first part
            excess = event - expected
            parts = [_standardized(excess, variance), _standardized(excess * slope, variance * slope**2)]
        statistic = sum(part**2 for part in parts) / inflation
        return float(stats.norm.isf(max(stats.chi2.sf(statistic, len(parts)), 1e-300)))

    def estimate(self, prediction: Any) -> dict[str, float]:
        """Return the metrics expected of predictions without outcomes (as NannyML's CBPE; of numbers, its DLE).

        They assume that the calibration still holds, so they cannot see concept drift.
        """
        if self._classes is None:
            expected = self._size["mean"].reindex(np.digitize(prediction, self._edges))
            return {"mae": float(expected.mean())} if expected.notna().any() else {}
        binary = len(self._classes) == 2
        p = self._calibrated((prediction.iloc[:, 1] if binary else prediction.max(axis=1)).to_numpy())
        if not binary:
            return {"accuracy": float(p.mean())}
        chosen = prediction.iloc[:, 1].to_numpy() > 0.5
        log_loss = -(p * np.log(_clip(prediction.iloc[:, 1])) + (1 - p) * np.log(_clip(prediction.iloc[:, 0])))
        ordered = np.sort(p)
        below = np.cumsum(1 - ordered) - (1 - ordered) / 2
        return {
            "accuracy": float(np.where(chosen, p, 1 - p).mean()),
            "log_loss": float(log_loss.mean()),
            "roc_auc": float((ordered * below).sum() / (p.sum() * (1 - p).sum())),
        }

    def _event(self, target: pd.Series, prediction: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return whether the second of two classes came true, or else the most probable one, and its probability."""
        values, truth = prediction.to_numpy(), target.to_numpy()
        if values.shape[1] == 2:
            return (truth == prediction.columns[1]).astype(float), values[:, 1]
        best = values.argmax(axis=1)
        return (truth == prediction.columns.to_numpy()[best]).astype(float), values.max(axis=1)

    def _calibrated(self, probability: np.ndarray) -> np.ndarray:
        if self._platt is None:  # the test rows are of one class
            return _clip(probability)
        return _clip(self._platt.predict_proba(_logit(probability)[:, None])[:, 1])


def _standardized(values: np.ndarray, variance: np.ndarray) -> float:
    return float(np.nansum(values) / np.sqrt(np.nansum(variance) or 1))


def _clip(probability: Any) -> np.ndarray:
    return np.clip(np.asarray(probability, float), SMALLEST, 1 - SMALLEST)


def _logit(probability: np.ndarray) -> np.ndarray:
    return special.logit(_clip(probability))
