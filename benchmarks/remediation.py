"""The time of a decision of level 3's remediation, after a hundred others that count."""

from measure import ROOT, Promise, found_by, write_results

CASES = ROOT / "benchmarks" / "peers" / "remediation_cases.py"


def main() -> None:
    """Write the time."""
    found = found_by(CASES, 3)
    promises = [Promise("CPU milliseconds to decide on an alert", found["milliseconds"], at_most=1)]
    write_results(
        "remediation", "2,000 decisions, each after 100 others that were acted on in the last hour", promises, {}
    )


if __name__ == "__main__":
    main()
