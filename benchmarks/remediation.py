"""The time of a decision of level 3's remediation, after a hundred others that count."""

import json

from measure import ROOT, Promise, installed, printed, write_results

CASES = ROOT / "benchmarks" / "peers" / "remediation_cases.py"


def main() -> None:
    """Write the time."""
    with installed(3) as (_, project):
        package = next(path.parent.name for path in project.glob("src/*/__init__.py"))
        found = json.loads(printed([project / ".venv/bin/python", CASES, package], project).splitlines()[-1])
    promises = [Promise("CPU milliseconds to decide on an alert", found["milliseconds"], at_most=1)]
    write_results(
        "remediation", "2,000 decisions, each after 100 others that were acted on in the last hour", promises, {}
    )


if __name__ == "__main__":
    main()
