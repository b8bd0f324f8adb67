"""Simulated A/B tests, each looked at 200 times, by the statistics of a project: experiment_cases.py PACKAGE RUNS.

Prints JSON: percent of runs that find a difference, by case, and CPU microseconds of an assignment.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module

import numpy as np
from scipy import stats

PACKAGE, RUNS = sys.argv[1], int(sys.argv[2])
LOOKS, REQUESTS = 200, 100_000
BASE, EFFECT, SIGNIFICANCE, POWER, LONGEST = 0.20, 0.02, 0.05, 0.8, 1.8
statistics = import_module(f"{PACKAGE}.experiments.statistics")


def binary(rng: np.random.Generator, treated: np.ndarray, effect: float) -> np.ndarray:
    """Return outcomes of a rate."""
    return (rng.random(len(treated)) < BASE + effect * treated).astype(float)


def money(rng: np.random.Generator, treated: np.ndarray, effect: float) -> np.ndarray:
    """Return very skewed amounts."""
    return rng.lognormal(0, 1.5, len(treated)) * (1 + effect * treated)


CASES: dict[str, tuple[Callable[..., np.ndarray], float, float]] = {
    "A/A, a rate": (binary, 0.0, 0.5),
    "A/A, skewed amounts": (money, 0.0, 0.5),
    "A/A, a rate, 20 % treated": (binary, 0.0, 0.2),
    "least effect on a rate": (binary, EFFECT, 0.5),
    "least effect on a rate, 20 % treated": (binary, EFFECT, 0.2),
}


def run(
    rng: np.random.Generator, draw: Callable[..., np.ndarray], effect: float, share: float
) -> tuple[bool, bool, bool, bool, float]:
    """Return whether confidence sequence, t-tests, sample ratio and chi-square tests find anything, and when the first does.

    The time is a multiple of the planned size.
    """
    variances = BASE * (1 - BASE), (BASE + EFFECT) * (1 - BASE - EFFECT)
    planned = statistics.planned_size(variances, (1 - share, share), EFFECT, SIGNIFICANCE, POWER)
    longest = round(LONGEST * planned)
    treated = rng.random(longest) < share
    metric = draw(rng, treated, effect)
    found = fixed = ratio = chance = False
    ended = LONGEST
    for count in np.linspace(2 * statistics.MIN_ENTITIES / (2 * min(share, 1 - share)), longest, LOOKS).astype(int):
        control, treatment = metric[:count][~treated[:count]], metric[:count][treated[:count]]
        if min(len(control), len(treatment)) < statistics.MIN_ENTITIES:
            continue
        _, low, high = statistics.difference(control, treatment, planned, SIGNIFICANCE)
        if not found and not low < 0 < high:
            found, ended = True, count / planned
        width = np.sqrt(control.var(ddof=1) / len(control) + treatment.var(ddof=1) / len(treatment))
        fixed |= bool(abs(treatment.mean() - control.mean()) > stats.norm.isf(SIGNIFICANCE / 2) * width)
        ratio |= statistics.sample_ratio(len(control), len(treatment), share) < 0.001
        expected = count * np.array([1 - share, share])
        chi_square = ((np.array([len(control), len(treatment)]) - expected) ** 2 / expected).sum()
        chance |= bool(stats.chi2.sf(chi_square, 1) < 0.001)
    return found, fixed, ratio, chance, ended


def microseconds() -> float:
    """Return the CPU time of the decision for a request while a test is running."""
    plugins, core = import_module(f"{PACKAGE}.serving.plugins"), import_module(f"{PACKAGE}.core.experiment")
    plugin = import_module(f"{PACKAGE}.serving.plugins.experiment").plugin()
    running = core.Running(
        name="t", control="1", treatment="2", share=0.5, started=datetime.now(UTC), planned=1, plan={}
    )
    plugin.tags = {"m": {core.TAG: running.model_dump_json()}}
    versions = {"champion": "1", core.ALIAS: "2"}
    contexts = [plugins.RequestContext("m", f"C{number:07}", versions) for number in range(REQUESTS)]
    started = time.process_time()
    chosen = {plugin.choose(context) for context in contexts}
    seconds = time.process_time() - started
    assert chosen == {plugins.Choice("1", 0.5), plugins.Choice(core.ALIAS, 0.5)}, "no test is running"
    return seconds / REQUESTS * 1e6


def main() -> None:
    """Run all cases."""
    rng = np.random.default_rng(3)
    rates = {}
    for name, case in CASES.items():
        *flags, ended = np.array([run(rng, *case) for _ in range(RUNS)], float).mean(axis=0)
        rates[name] = [round(100 * flag, 2) for flag in flags] + [round(ended, 2)]
    print(json.dumps({"rates": rates, "microseconds": round(microseconds(), 2)}))


if __name__ == "__main__":
    main()
