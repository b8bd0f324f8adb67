"""Error rates of the A/B tests of level 2 under peeking, beside a t-test at each look, and the time of an assignment."""

import argparse

from measure import ROOT, Promise, found_by, write_results

CASES = ROOT / "benchmarks" / "peers" / "experiment_cases.py"
METHOD = "{runs} runs of each case, each looked at 200 times until 1.8 times the planned size"


def main() -> None:
    """Write the rates and the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="of each case (default: 500)")
    arguments = parser.parse_args()
    found = found_by(CASES, 2, arguments.runs)
    promises = []
    for case, (sequence, peeked, *_) in found["rates"].items():
        limit = {"at_most": 5} if case.startswith("A/A") else {"at_least": 80}
        what = f"{case}: percent of runs that find a difference (a t-test at each look: {peeked:g})"
        promises.append(Promise(what, sequence, **limit))
    ratios = [ratio for case, (_, _, ratio, *_) in found["rates"].items() if case.startswith("A/A")]
    chance = [peeked for case, (*_, peeked, _) in found["rates"].items() if case.startswith("A/A")]
    promises += [
        Promise(
            f"percent of runs that doubt a sample ratio which is right (a chi-square test at each look: {max(chance):g})",
            max(ratios),
            at_most=0.5,
        ),
        Promise("CPU microseconds to decide which version a request gets", found["microseconds"], at_most=50),
    ]
    columns = (
        "sequence",
        "t_test_at_each_look",
        "sample_ratio",
        "chi_square_at_each_look",
        "mean_end_in_planned_sizes",
    )
    tables = {
        "Percent of runs with a finding": {
            case: dict(zip(columns, values, strict=True)) for case, values in found["rates"].items()
        }
    }
    write_results("experiment", METHOD.format_map(vars(arguments)), promises, tables)


if __name__ == "__main__":
    main()
