"""Simulates releases by the limits of the project in this folder, and prints how many percent of each case return.

The requests of each minute are drawn, and judged by the limits, ranges and steps of the canary. The latency is left out: its
limit is far from what a server needs.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

FOLDER = Path("deploy", "levels", "level-2", "canary")


@dataclass(frozen=True)
class Place:
    """Where a version is released, and how much it is used there."""

    name: str
    rate: int  # requests a minute, of both versions together
    minutes: int = 60  # of a step
    rows: int = 1  # of a request
    least: int | None = None  # requests, in place of the template's


# `poe canary-check` at its default speed: 150 requests a second, steps of 20 seconds, and 10 seconds for the 15 minutes of a query.
CHECK = Place("in_canary_check", 100, minutes=30, rows=10, least=100)
PLACES = [Place(f"at_{rate}_requests_a_minute", rate) for rate in (200, 1000, 4000)] + [CHECK]


@dataclass(frozen=True)
class Limits:
    """What decides, as the template has it."""

    errors: float
    shift: float
    requests: int  # with fewer there is no decision
    predictions: int
    minutes: int  # range of a query
    failures: int  # more return to the old version
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """A version, and what it is compared with."""

    name: str
    good: bool
    errors: float = 0.0  # share of the responses
    shift: float = 1.0  # of the mean prediction
    deviation: float = 1.0  # standard deviation of predictions, relative to their mean


CASES = [
    Case("good: 0.2 % errors", True, errors=0.002),
    Case("good: 0.5 % errors, half of the limit", True, errors=0.005),
    Case("good: predictions vary by their mean", True),
    Case("good: predictions vary by twice their mean", True, deviation=2.0),
    Case("bad: 2 % errors", False, errors=0.02),
    Case("bad: mean prediction 1.5 times as large", False, shift=1.5),
]


def limits() -> Limits:
    """Return the limits of the template."""
    analysis = yaml.safe_load((FOLDER / "analysis.yaml").read_text(encoding="utf-8"))["spec"]
    canary = yaml.safe_load((FOLDER / "rollout.yaml").read_text(encoding="utf-8"))["spec"]["strategy"]["canary"]
    values = {each["name"]: each.get("value") for each in analysis["args"]}
    (minutes,) = {each for metric in analysis["metrics"] for each in re.findall(r"\[(\d+)m\]", str(metric))}
    (failures,) = {metric["failureLimit"] for metric in analysis["metrics"]}
    return Limits(
        errors=float(values["max-error-ratio"]),
        shift=float(values["max-prediction-shift"]),
        requests=int(values["min-requests"]),
        predictions=int(values["min-predictions"]),
        minutes=int(minutes),
        failures=failures,
        weights=tuple(step["setWeight"] / 100 for step in canary["steps"] if "setWeight" in step),
    )


def returned(case: Case, place: Place, judged: Limits, rng: np.random.Generator) -> bool:
    """Return whether a release returns to the old version."""
    failed = {"errors": 0, "predictions": 0}
    alike = 1 / case.deviation**2  # shape of a gamma distribution with mean 1
    for weight in judged.weights:
        new, old = (rng.poisson(place.rate * share, place.minutes) for share in (weight, 1 - weight))
        errors = rng.binomial(new, case.errors)
        asked, before = place.rows * np.maximum(new, 1e-9), place.rows * np.maximum(old, 1e-9)
        values = case.shift * rng.gamma(alike * asked) / alike, rng.gamma(alike * before) / alike
        for minute in range(2, place.minutes):  # after the delay
            seen = slice(max(0, minute - judged.minutes + 1), minute + 1)
            requests, others = new[seen].sum(), old[seen].sum()
            if requests >= (place.least or judged.requests):
                failed["errors"] += errors[seen].sum() / requests > judged.errors
            if place.rows * min(requests, others) >= judged.predictions:
                means = values[0][seen].sum() / asked[seen].sum(), values[1][seen].sum() / before[seen].sum()
                failed["predictions"] += abs(means[0] / means[1] - 1) > judged.shift
    return max(failed.values()) > judged.failures


runs, judged, rng = int(sys.argv[1]), limits(), np.random.default_rng(0)
found: dict[str, dict[str, float]] = {}
for case in CASES:
    print(case.name, file=sys.stderr)
    found[case.name] = {
        place.name: 100 * float(np.mean([returned(case, place, judged, rng) for _ in range(runs)])) for place in PLACES
    }
print(json.dumps(found))
