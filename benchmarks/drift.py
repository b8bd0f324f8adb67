"""Error rates and time of the drift tests of level 2, beside evidently's defaults, and the join of labels to predictions."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import ROOT, Promise, environment, install, render, template, write_results
from serving import environment_of

CASES = ROOT / "benchmarks" / "peers" / "drift_cases.py"
METHOD = "{clean} batches without drift and {shifted} of each shift, 2,000 rows x 20 columns, against 50,000 rows"
NAMES = {
    "none": "no drift",
    "mean": "mean + 0.2 sd",
    "spread": "spread x 1.2",
    "category": "one category + 6 points",
    "new": "new category, 1 %",
    "missing": "missing 5 to 10 %",
    "correlation": "correlation 0.5 to 0.2",
}


def run(python: Path, folder: Path, which: str, clean: int, shifted: int) -> dict[str, Any]:
    """Return what the cases print in an environment."""
    command = [python, CASES, which, str(clean), str(shifted)]
    variables = {**environment(), "OMP_NUM_THREADS": "1", "PREDICTION_LOG_PLACE": "data/predictions"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Write the rates of both, and the time of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=240, help="batches without drift")
    parser.add_argument("--shifted", type=int, default=80, help="batches of each shift")
    parser.add_argument("--evidently", type=int, default=10, help="batches of each case for evidently, which is slower")
    arguments = parser.parse_args()
    with template() as source, tempfile.TemporaryDirectory() as name:
        project = render(source, Path(name, "project"), 2)
        install(project)
        ours = run(project / ".venv/bin/python", project, "ours", arguments.clean, arguments.shifted)
        programs = environment_of(Path(name), "evidently", "evidently==0.7.23", "pandas<3")
        theirs = run(programs / "python", project, "evidently", arguments.evidently, arguments.evidently)
    beside = {
        case: f"evidently's defaults: {column:g} by any column, {whole:g} for the data set"
        for case, (column, whole) in theirs["rates"].items()
    }
    promises = [
        Promise(f"no drift: percent of batches with an alarm ({beside['none']})", ours["rates"]["none"][0], at_most=5),
        *(
            Promise(f"{NAMES[case]}: percent of batches with an alarm ({beside[case]})", found[0], at_least=95)
            for case, found in ours["rates"].items()
            if case != "none"
        ),
        Promise("CPU seconds for a batch of 50,000 rows", ours["cpu_seconds"]["50000"], at_most=2),
        Promise("CPU seconds for a batch of 1,000,000 rows", ours["cpu_seconds"]["1000000"], at_most=10),
        Promise("CPU seconds to join 10,000,000 predictions and 8,000,000 labels", ours["join"], at_most=60),
    ]
    tables = {
        "Percent of batches with an alarm": {
            NAMES[case]: {
                "these_tests": ours["rates"][case][0],
                "evidently_any_column": theirs["rates"][case][0],
                "evidently_data_set": theirs["rates"][case][1],
            }
            for case in NAMES
        },
        "CPU seconds": {
            f"{int(rows):,} rows": {"these_tests": seconds, "evidently": theirs["cpu_seconds"].get(rows, "")}
            for rows, seconds in ours["cpu_seconds"].items()
        },
    }
    write_results("drift", METHOD.format_map(vars(arguments)), promises, tables)


if __name__ == "__main__":
    main()
