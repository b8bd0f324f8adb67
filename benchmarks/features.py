"""What the automated features of level 3 add, what a leak would, how often noise is kept, and the time of one entity."""

import argparse

from measure import ROOT, Promise, found_by, write_results

CASES = ROOT / "benchmarks" / "peers" / "feature_cases.py"
METHOD = (
    "2,000 simulated customers with 85,000 purchases, 500 of them test rows; {runs} tables of purchases that do not depend on "
    "who leaves; one customer in a server, {events} events and {features} features, JSON included"
)


def main() -> None:
    """Write scores, rates and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="of tables without a signal (default: 20)")
    runs = parser.parse_args().runs
    found = found_by(CASES, 3, runs, first="ingest")
    auc, kept, millis = found["auc"], found["kept"], found["milliseconds"]
    promises = [
        Promise("ROC AUC of the test rows that the kept features add", auc["with"] - auc["without"], at_least=0.03),
        Promise(
            "ROC AUC that a cut three weeks late would add", auc["cut three weeks late"] - auc["with"], at_least=0.02
        ),
        Promise("percent of runs that keep noise", kept["percent of runs that keep noise"], at_most=5),
        Promise("CPU milliseconds to compute all candidates for one entity: p50", millis["p50"], at_most=5),
        Promise("the same, p99", millis["p99"], at_most=5),
    ]
    tables = {"ROC AUC": auc, "Candidates": kept, "CPU milliseconds": millis}
    write_results("features", METHOD.format(runs=runs, **millis), promises, tables)


if __name__ == "__main__":
    main()
