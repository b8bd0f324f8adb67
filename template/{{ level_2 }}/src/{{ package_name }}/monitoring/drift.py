# Managed by copier-mlops: an update merges with your edits.
"""Tests whether a batch of rows has the distribution of a reference, column by column and pair by pair.

Numbers are compared by Kolmogorov and Smirnov's test (Stephens 1970, for large samples), once as they are and once by their
distance from the median, since the test alone is weak against a change of spread. Categories are compared by the chi-square
test, missing values by the test of two proportions, pairs of numbers by the correlation of their normal scores (Fisher's z).
Texts that the reference lacks have exact tests. All p-values are corrected together (Holm 1979), so that at most the
configured share of batches raises a false alarm. All tests assume independent rows: keep one row for each entity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import special, stats

from .result import ColumnDrift, Test

FEW_VALUES = 25  # different values; numbers with no more are compared as categories
MAX_NUMBERS = 20  # numbers whose pairs are compared: the first ones, since Holm pays for each pair
MIN_EXPECTED = 5  # rows in a cell of the chi-square test; rarer categories are pooled
ROUNDING = 1e-5  # that registration accepts: of a probability, or of a number relative to the mean
MIN_PAIRS = 50  # rows in which both numbers of a pair are present


class Outcome(NamedTuple):
    """One test."""

    name: str
    test: Test
    effect: float
    p_value: float


@dataclass(frozen=True)
class Profile:
    """What the tests need of a reference: a few megabytes at most."""

    rows: int
    missing: Mapping[str, int]
    values: Mapping[str, np.ndarray]  # sorted, by column of numbers
    spreads: Mapping[str, np.ndarray]  # sorted distances from the median
    counts: Mapping[str, pd.Series]  # by column of categories
    correlation: np.ndarray
    present: np.ndarray  # rows in which both numbers of a pair are there

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Return the profile of a table. Times are left out: they always move on."""
        frame = frame.select_dtypes(exclude=["datetime", "datetimetz"])
        values, counts = {}, {}
        for name, column in frame.items():
            there = column.dropna()
            if is_numeric_dtype(column) and there.nunique() > FEW_VALUES:
                values[name] = np.sort(there.to_numpy(float))
            else:
                counts[name] = _count(there)
        missing = {str(name): int(count) for name, count in frame.isna().sum().items()}
        spreads = {name: np.sort(np.abs(found - np.median(found))) for name, found in values.items()}
        return cls(len(frame), missing, values, spreads, counts, *_correlation(frame, [*values][:MAX_NUMBERS]))

    @property
    def numbers(self) -> list[str]:
        """The columns whose pairs are compared."""
        return [*self.values][:MAX_NUMBERS]

    def compare(self, batch: pd.DataFrame) -> list[Outcome]:
        """Return the outcome of each test of a batch, which has all columns of the reference."""
        return [*self._columns(batch), *self._pairs(batch)]

    def _columns(self, batch: pd.DataFrame) -> Iterator[Outcome]:
        for name, before in self.missing.items():
            there = batch[name].dropna()
            missing = len(batch) - len(there)
            if before or missing:
                yield Outcome(name, "missing", *compare_shares(before, self.rows, missing, len(batch)))
            if there.empty or before == self.rows:
                continue
            if name in self.values:
                yield Outcome(name, "distribution", *self._distribution(name, there.to_numpy(float)))
            else:
                counts = self.counts[name], _count(there)
                yield Outcome(name, "categories", *chi_square(*counts))
                if not counts[1].index.isin(counts[0].index).all():
                    yield Outcome(name, "new categories", *new_categories(*counts))

    def _distribution(self, name: str, batch: np.ndarray) -> tuple[float, float]:
        """Return the larger effect and the corrected p-value of the two tests of numbers."""
        median = np.median(self.values[name])
        tests = (self.values[name], batch), (self.spreads[name], np.abs(batch - median))
        effects, p_values = zip(*(kolmogorov_smirnov(*each) for each in tests), strict=True)
        return max(effects), min(1.0, 2 * min(p_values))

    def _pairs(self, batch: pd.DataFrame) -> Iterator[Outcome]:
        found, present = _correlation(batch, self.numbers)
        for i, j in zip(*np.triu_indices(len(self.numbers), 1), strict=True):
            if min(present[i, j], self.present[i, j]) < MIN_PAIRS:
                continue
            # The variance of Fisher's z of normal scores is 1.06 / (n - 3), as for ranks (Fieller and others 1957).
            deviation = np.sqrt(1.06 / (present[i, j] - 3) + 1.06 / (self.present[i, j] - 3))
            z = (np.arctanh(found[i, j]) - np.arctanh(self.correlation[i, j])) / deviation
            effect, p_value = abs(found[i, j] - self.correlation[i, j]), 2 * special.ndtr(-abs(z))
            yield Outcome(f"{self.numbers[i]} ~ {self.numbers[j]}", "correlation", float(effect), float(p_value))


def kolmogorov_smirnov(reference: np.ndarray, batch: np.ndarray) -> tuple[float, float]:
    """Return the largest distance of the distribution functions, and its p-value; the reference is sorted."""
    batch = np.sort(batch)
    n, m = len(reference), len(batch)
    distance = max(
        np.abs(np.searchsorted(reference, batch, side) / n - np.searchsorted(batch, batch, side) / m).max()
        for side in ("left", "right")
    )
    root = np.sqrt(n * m / (n + m))
    return float(distance), float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def snapped(batch: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return predictions, each as the nearest one of the sorted reference if they differ by rounding only.

    The server may compute with 32 bits. Without this, a model with few different predictions would seem to have moved all.
    """
    after = np.searchsorted(reference, batch).clip(max=len(reference) - 1)
    low, high = reference[np.maximum(after - 1, 0)], reference[after]
    nearest = np.where(batch - low < high - batch, low, high)
    return np.where(np.abs(batch - nearest) <= ROUNDING * max(1.0, np.abs(reference).mean()), nearest, batch)


def chi_square(reference: pd.Series, batch: pd.Series) -> tuple[float, float]:
    """Return the total variation between the counts of categories, and the p-value of the chi-square test.

    A category that the reference lacks is no cell: one row of it would be significant. `new_categories` tests those.
    """
    batch = batch.reindex(reference.index, fill_value=0)
    table = np.array([reference, batch], float)
    sums = table.sum(axis=1, keepdims=True)
    if not sums.all():
        return 0.0, 1.0
    distance = float(np.abs(table[0] / sums[0] - table[1] / sums[1]).sum() / 2)
    rare = table.sum(axis=0) / sums.sum() * sums.min() < MIN_EXPECTED
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return distance, 1.0
    return distance, float(stats.chi2_contingency(table, correction=False).pvalue)


def new_categories(reference: pd.Series, batch: pd.Series) -> tuple[float, float]:
    """Return the share of the rows whose category the reference lacks, and how likely it lacks them by chance.

    With both samples from one distribution, each row is in the batch with the probability m / (n + m). So a category of k
    rows is in the batch alone with that to the power of k, and those of one row alone are a binomial sample.
    """
    chance = batch.sum() / (reference.sum() + batch.sum())
    new = batch[~batch.index.isin(reference.index)]
    pooled = reference.add(batch, fill_value=0)
    once = int((new == 1).sum())
    singles = stats.binom.sf(once - 1, int((pooled == 1).sum()), chance)
    largest = new.max()
    repeated = 1.0 if largest == 1 else (chance ** pooled[pooled >= largest]).sum()  # union bound over all categories
    return float(new.sum() / batch.sum()), float(min(1.0, 2 * min(singles, repeated)))


def compare_shares(k1: int, n1: int, k2: int, n2: int) -> tuple[float, float]:
    """Return the difference between k1 of n1 and k2 of n2, and the p-value of the test of two proportions."""
    share = (k1 + k2) / (n1 + n2)
    if share in (0, 1):
        return 0.0, 1.0
    difference = abs(k2 / n2 - k1 / n1)
    z = difference / np.sqrt(share * (1 - share) * (1 / n1 + 1 / n2))
    return difference, float(2 * special.ndtr(-z))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number: at most one in 1 / alpha families has any below alpha by chance."""
    order = np.argsort(p_values)
    stepped = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1, stepped)
    return corrected


def judge(outcomes: list[Outcome], significance: float, min_effect: Mapping[Test, float]) -> list[ColumnDrift]:
    """Return the strongest test of each column or pair, alarms first, corrected over all tests."""
    corrected = holm(np.array([outcome.p_value for outcome in outcomes]))
    judged = [
        ColumnDrift(
            name=outcome.name,
            test=outcome.test,
            p_value=float(p_value),
            effect=outcome.effect,
            alarm=bool(p_value <= significance and outcome.effect >= min_effect[outcome.test]),
        )
        for outcome, p_value in zip(outcomes, corrected, strict=True)
    ]
    judged.sort(key=lambda one: (not one.alarm, one.p_value, -one.effect))
    return [*{one.name: one for one in reversed(judged)}.values()][::-1]


def _correlation(frame: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation of the normal scores of columns, and the rows in which both of a pair are present."""
    scores = np.zeros((len(frame), len(names)))
    there = frame[names].notna().to_numpy()
    for i, name in enumerate(names):
        present = there[:, i]
        if present.sum() > 2:
            ranks = stats.rankdata(frame[name].to_numpy(float, na_value=np.nan)[present])
            score = special.ndtri((ranks - 0.5) / present.sum())
            scores[present, i] = (score - score.mean()) / (score.std() or 1)
    weights = there.astype(float)
    norm = np.sqrt(((scores**2).T @ weights) * (weights.T @ scores**2))
    return np.clip(scores.T @ scores / np.where(norm > 0, norm, 1), -0.999, 0.999), weights.T @ weights


def _count(values: pd.Series) -> pd.Series:
    """Return how often each value occurs; numbers and booleans of any type are equal."""
    return (values.astype(float) if is_numeric_dtype(values) else values.astype(str)).value_counts()
