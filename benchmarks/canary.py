"""Error rates of the analysis of a release: how often it returns a good version by chance, and finds a bad one."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Promise, environment, install, render, template, write_results

CASES = ROOT / "benchmarks" / "peers" / "canary_cases.py"
METHOD = "{runs} simulated releases of each case, in three steps of an hour"


def main() -> None:
    """Write the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each case (default: 200)")
    arguments = parser.parse_args()
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 2)
        install(project)
        command = [project / ".venv/bin/python", CASES, str(arguments.runs)]
        done = subprocess.run(command, cwd=project, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    found = json.loads(done.stdout)
    good, bad = (
        [rate for case, rates in found.items() if case.startswith(kind) for rate in rates.values()]
        for kind in ("good", "bad")
    )
    promises = [
        Promise("percent of good releases that return by chance, in the worst case", max(good), at_most=10),
        Promise("percent of bad releases that return, in the worst case", min(bad), at_least=95),
    ]
    write_results("canary", METHOD.format_map(vars(arguments)), promises, {"Percent of releases that return": found})


if __name__ == "__main__":
    main()
