"""Error rates of the analysis of a release: how often it returns a good version by chance, and finds a bad one."""

import argparse
import json

from measure import ROOT, Promise, installed, printed, write_results

CASES = ROOT / "benchmarks" / "peers" / "canary_cases.py"
METHOD = "{runs} simulated releases of each case, in three steps of an hour"


def main() -> None:
    """Write the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each case (default: 200)")
    arguments = parser.parse_args()
    with installed(2) as (_, project):
        found = json.loads(printed([project / ".venv/bin/python", CASES, str(arguments.runs)], project))
    good, bad = ({case: rates for case, rates in found.items() if case.startswith(kind)} for kind in ("good", "bad"))
    # The check on a laptop judges by a hundred requests: two errors among them are too many.
    checked = [rates["in_canary_check"] for case, rates in good.items() if "errors" not in case]
    released = [rate for rates in good.values() for place, rate in rates.items() if place != "in_canary_check"]
    promises = [
        Promise("percent of good releases that return by chance, in the worst case", max(released), at_most=10),
        Promise("percent of good versions without errors that fail `poe canary-check`", max(checked), at_most=10),
        Promise(
            "percent of bad releases that return, in the worst case",
            min(rate for rates in bad.values() for rate in rates.values()),
            at_least=95,
        ),
    ]
    write_results("canary", METHOD.format_map(vars(arguments)), promises, {"Percent of releases that return": found})


if __name__ == "__main__":
    main()
