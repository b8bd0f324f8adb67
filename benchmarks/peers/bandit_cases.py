"""Simulated bandits by the policies of a project: bandit_cases.py PACKAGE SEEDS RUNS.

Prints JSON: regret by policy, percent of runs that remove a version, coverage of the evaluation, and CPU microseconds.
"""

import json
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import numpy as np

PACKAGE, SEEDS, RUNS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
REQUESTS, DELAY, BATCH, AB_SIZE = 6_000, 200, 100, 600  # requests; the last is that of each arm of the A/B test
DECISIONS, REPETITIONS = 5_000, 5  # the lowest counts for each: other processes disturb some
WEIGHTS = np.array([[0.5, 0.9, 0, 0, 0, 0], [0.55, -0.9, 0, 0, 0, 0], [0.45, 0, 0.3, 0, 0, 0]])  # of the log-odds
core, learning = import_module(f"{PACKAGE}.core.bandit"), import_module(f"{PACKAGE}.bandits.learning")
settings, report = import_module(f"{PACKAGE}.bandits.settings"), import_module(f"{PACKAGE}.bandits.results")


def plan(policy: str, versions: int, features: int) -> Any:
    """Return a plan."""
    return settings.Plan(
        name="b",
        policy=policy,
        versions=[str(number + 1) for number in range(versions)],
        metric="outcome",
        better="higher",
        exploration=0.05,
        width=1.0,
        features=[f"x{number}" for number in range(features if policy == "linucb" else 0)],
        significance=0.05,
        guardrails={},
    )


def state(of: Any) -> Any:
    """Return a bandit that has learned nothing."""
    features = dict.fromkeys(of.features, (0.0, 1.0))
    given = {"name": "b", "policy": of.policy, "versions": of.versions, "exploration": of.exploration}
    return core.Running(**given, features=features, started=datetime.now(UTC), plan={})


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return contexts, the rate of each version, and what each would earn."""
    rng = np.random.default_rng(seed)
    context = np.c_[np.ones(REQUESTS), rng.normal(size=(REQUESTS, WEIGHTS.shape[1] - 1))]
    rates = 1 / (1 + np.exp(1 - context @ WEIGHTS.T))
    return context, rates, (rng.random(rates.shape) < rates).astype(float)


def regret(policy: str, seed: int) -> float:
    """Return how much less a policy earns than the best version for each request."""
    context, rates, outcome = world(seed)
    of, rng, arm = plan(policy, 3, context.shape[1] - 1), np.random.default_rng(seed), np.zeros(REQUESTS, int)
    linear = policy == "linucb"
    known = context if linear else context[:, :1]
    bandit = learning.learned(state(of), of, known[:0], arm[:0], np.zeros(0))
    decider = core.Decider(bandit)
    for row in range(REQUESTS):
        if row % BATCH == 0 and row > DELAY:
            done = slice(0, row - DELAY)
            earned = outcome[np.arange(row - DELAY), arm[done]]
            bandit = learning.learned(bandit, of, known[done], arm[done], earned)
            decider = core.Decider(bandit)
        arm[row] = decider.draw(str(rng.integers(2**40)), decider.probabilities(known[row] if linear else None))
    return lost(rates, arm)


def fixed(seed: int) -> float:
    """Return the same for an A/B test of all versions that ends at its size, and then the winner for all."""
    _, rates, outcome = world(seed)
    arm = np.random.default_rng(seed).integers(3, size=REQUESTS)
    size = 3 * AB_SIZE
    means = [outcome[:size][arm[:size] == one, one].mean() for one in range(3)]
    arm[size + DELAY :] = int(np.argmax(means))
    return lost(rates, arm)


def lost(rates: np.ndarray, arm: np.ndarray) -> float:
    """Return the regret of choices."""
    return float((rates.max(axis=1) - rates[np.arange(len(arm)), arm]).sum())


def removes(seed: int, rates: tuple[float, float], policy: str) -> bool:
    """Return whether a policy ever removes the second version, looked at after each batch."""
    of, rng, count = plan(policy, 2, 0), np.random.default_rng(seed), 4_000
    bandit = learning.learned(state(of), of, np.ones((0, 1)), np.zeros(0, int), np.zeros(0))
    arm, metric, propensity = np.zeros(count, int), np.zeros(count), np.zeros(count)
    for row in range(0, count, BATCH):
        shares = core.Decider(bandit).probabilities()
        batch = slice(row, row + BATCH)
        arm[batch] = rng.choice(2, size=BATCH, p=shares / shares.sum())
        metric[batch] = rng.random(BATCH) < np.array(rates)[arm[batch]]
        propensity[batch] = shares[arm[batch]]
        known = slice(0, row + BATCH)
        bandit = learning.learned(bandit, of, np.ones((row + BATCH, 1)), arm[known], metric[known])
        if learning.worse(of, bandit, learning.scores(arm[known], metric[known], propensity[known], 2)):
            return True
    return False


def covers(seed: int) -> bool:
    """Return whether the doubly robust interval of a policy contains its value."""
    rng, count, logging = np.random.default_rng(seed), 1_000, np.array([0.6, 0.3, 0.1])
    x, arm = rng.random(count), rng.choice(3, size=count, p=logging)
    rates = np.c_[np.full(count, 0.5), x, 1 - x]
    metric = (rng.random(count) < rates[np.arange(count), arm]).astype(float)
    wanted = np.c_[np.zeros(count), x > 0.5, x <= 0.5].astype(float)  # earns 0.75
    _, (_, low, high) = report.off_policy(wanted, np.full(rates.shape, metric.mean()), arm, metric, logging[arm])
    return low < 0.75 < high


def microseconds() -> dict[str, float]:
    """Return quantiles of the CPU time of the server's choice with the largest state, over different requests."""
    plugins, plugin = import_module(f"{PACKAGE}.serving.plugins"), import_module(f"{PACKAGE}.serving.plugins.bandit")
    of, rng = plan("linucb", 5, 20), np.random.default_rng(0)
    context, arm = np.c_[np.ones(3_000), rng.normal(size=(3_000, 20))], rng.integers(5, size=3_000)
    bandit = learning.learned(state(of), of, context, arm, rng.normal(size=3_000))
    chooser = plugin.plugin()
    chooser.tags = {"m": {core.TAG: bandit.model_dump_json()}}
    versions = {"champion": "1", **dict(zip(core.ALIASES, of.versions[1:], strict=True))}
    spent, chosen = [], set()
    for number in range(DECISIONS):
        columns = {name: [value] for name, value in zip(of.features, rng.normal(size=20).tolist(), strict=True)}
        request = plugins.RequestContext("m", f"C{number:07}", versions, lambda columns=columns: columns)
        times = []
        for _ in range(REPETITIONS):
            started = time.thread_time_ns()
            choice = chooser.choose(request)
            times.append((time.thread_time_ns() - started) / 1e3)
        spent.append(min(times))
        chosen.add(choice.version)
    assert len(chosen) == 5, "versions are missing"
    return {f"p{share}": round(float(np.percentile(spent, share)), 1) for share in (50, 99)}


def main() -> None:
    """Run all cases."""
    policies = {"A/B test": fixed} | {
        name: lambda seed, name=name: regret(name, seed) for name in ("thompson", "epsilon_greedy", "linucb")
    }
    losses = {name: [run(seed) for seed in range(SEEDS)] for name, run in policies.items()}
    cases = {"as good": (0.4, 0.4), "worse by 0.2": (0.4, 0.2)}
    removed = {
        name: round(100 * np.mean([removes(seed, rates, "thompson") for seed in range(RUNS)]), 1)
        for name, rates in cases.items()
    }
    print(
        json.dumps(
            {
                "regret": {
                    name: {"mean": round(np.mean(one)), "deviation": round(np.std(one))} for name, one in losses.items()
                },
                "removed": removed,
                "covered": round(100 * np.mean([covers(seed) for seed in range(RUNS)]), 1),
                "microseconds": microseconds(),
            }
        )
    )


if __name__ == "__main__":
    main()
