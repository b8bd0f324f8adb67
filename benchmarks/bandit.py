"""Regret of the bandits of level 3 beside an A/B test of fixed size, what they remove, and the time of a decision."""

import argparse

from measure import ROOT, Promise, found_by, write_results

CASES = ROOT / "benchmarks" / "peers" / "bandit_cases.py"
METHOD = (
    "6,000 requests to 3 versions, the best of which depends on the request, whose outcomes are known 200 requests later "
    "and learned in batches of 100; {seeds} seeds; {runs} runs of two versions, each looked at after every batch"
)


def main() -> None:
    """Write regret, rates and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="of the regret (default: 10)")
    parser.add_argument("--runs", type=int, default=200, help="of removals and of evaluations (default: 200)")
    arguments = parser.parse_args()
    found = found_by(CASES, 3, arguments.seeds, arguments.runs)
    regret, removed, micros = found["regret"], found["removed"], found["microseconds"]
    fixed = regret["A/B test"]["mean"]
    promises = [
        Promise(f"regret of {name}, percent of that of the A/B test", 100 * one["mean"] / fixed, at_most=limit)
        for name, limit, one in (
            (name, 30 if name == "linucb" else 100, one) for name, one in regret.items() if name != "A/B test"
        )
    ]
    promises += [
        Promise(
            "percent of runs that remove a version which is as good as the champion", removed["as good"], at_most=5
        ),
        Promise("percent of runs that remove a version which is worse by 0.2", removed["worse by 0.2"], at_least=80),
        Promise(
            "percent of 95 % intervals that contain the value of a policy, doubly robust", found["covered"], at_least=90
        ),
        Promise(
            "CPU microseconds of a decision, LinUCB with 5 versions and 20 features, the lowest of 5: p50",
            micros["p50"],
            at_most=100,
        ),
        Promise("the same, p99", micros["p99"], at_most=100),
    ]
    tables = {"Regret": regret, "Percent of runs that remove the version": removed, "CPU microseconds": micros}
    write_results("bandit", METHOD.format_map(vars(arguments)), promises, tables)


if __name__ == "__main__":
    main()
