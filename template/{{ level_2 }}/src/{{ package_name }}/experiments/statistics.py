# Managed by copier-mlops: an update merges with your edits.
"""Sample size, confidence sequence, CUPED and the check of the sample ratio. All may be looked at any number of times."""

import math
from typing import NamedTuple

import numpy as np
from scipy import special, stats

MIN_ENTITIES = 200  # of each arm before the first look: the confidence sequence is asymptotic


class Difference(NamedTuple):
    """Treatment minus control, and an interval that holds at all looks together with probability 1 - significance."""

    value: float
    low: float
    high: float


def planned_size(
    variances: tuple[float, float], shares: tuple[float, float], effect: float, significance: float, power: float
) -> int:
    """Return how many entities of both arms together a two-sided test of fixed size needs to find a difference of the means.

    Variances of the metric and shares of the entities are those of control and treatment; the power is the probability of
    finding the effect.
    """
    quantiles = stats.norm.isf(significance / 2) + stats.norm.isf(1 - power)
    variance = sum(each / share for each, share in zip(variances, shares, strict=True))
    return math.ceil(quantiles**2 * variance / effect**2)


def radius(entities: int, planned: int, significance: float) -> float:
    """Return the radius of the confidence sequence of a mean with unit variance, which is narrowest at the planned size.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and asymptotic
    confidence sequences", theorem 2.2 and its choice of rho. It holds for independent entities with finite variance.
    """
    tuned = (-special.lambertw(-(significance**2) / math.e, -1).real - 1) / planned  # rho squared
    scaled = entities * tuned + 1
    return math.sqrt(scaled / (entities**2 * tuned) * math.log(scaled / significance**2))


def difference(control: np.ndarray, treatment: np.ndarray, planned: int, significance: float) -> Difference:
    """Return the difference of the means of two arms of any size, with its confidence sequence.

    It is the mean over all entities of `y / share` in the treatment and `-y / (1 - share)` in the control (inverse
    probability weighting), whose variance is that of the difference times the number of entities.
    """
    entities = len(control) + len(treatment)
    variance = control.var(ddof=1) / len(control) + treatment.var(ddof=1) / len(treatment)
    value = float(treatment.mean() - control.mean())
    width = math.sqrt(variance * entities) * radius(entities, planned, significance)
    return Difference(value, value - width, value + width)


def cuped(metric: np.ndarray, covariate: np.ndarray) -> np.ndarray:
    """Return the metric without what a covariate from before the test explains; its mean stays the same.

    Source: Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data". A missing covariate counts as the mean.
    """
    centered = np.nan_to_num(covariate - np.nanmean(covariate)) if np.isfinite(covariate).any() else covariate * 0
    variance = centered.var()
    return metric - (np.mean(centered * (metric - metric.mean())) / variance * centered if variance > 0 else 0)


def sample_ratio(control: int, treatment: int, share: float) -> float:
    """Return a p-value for the hypothesis that entities were assigned by the planned share; it may be looked at any time.

    Source: Lindon and Malek 2022, "Anytime-valid inference for multinomial count data": the inverse of the Bayes factor
    against a uniform prior, by Ville's inequality.
    """
    evidence = special.betaln(1 + treatment, 1 + control) - treatment * math.log(share) - control * math.log(1 - share)
    return float(min(1.0, math.exp(-max(0.0, evidence))))
