"""The simulated year over several seeds: how often retraining pays, and how often it acts while nothing has changed."""

import argparse
import json
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

from measure import Promise, commit, environment, install, render, template, write_results

SEEDS = 10
PAYS, QUIET = 0.9, 0.9  # least shares of the years


def year(project: Path, seed: int, rows: int) -> dict[str, Any]:
    """Run a year and return its figures."""
    command = ["uv", "run", "poe", "year", "--seed", str(seed), "--rows", str(rows)]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    print(done.stdout[-3000:], flush=True)
    if done.returncode not in (0, 1) or "year:" not in done.stdout:
        raise SystemExit(done.stderr[-3000:])
    found = json.loads((project / "reports/year.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "gain": found["gain"],
        "margin": found["margin"],
        "pays": found["gain"] >= found["margin"],
        "quiet": not found["quiet_actions"],
        "retrainings": sum(bool(month["kinds"]) for month in found["months"]),
        "promotions": sum(month["champion"] != month["version"] for month in found["months"]),
        "seconds": found["seconds"],
    }


def main() -> None:
    """Measure all seeds in one project of level 2, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--rows", type=int, default=800)
    arguments = parser.parse_args()
    with template() as source, tempfile.TemporaryDirectory() as folder:
        project = render(source, Path(folder, "project"), 2)
        install(project)
        subprocess.run(
            ["uv", "run", "poe", "pipeline"], cwd=project, env=environment(), check=True, capture_output=True
        )
        commit(project)
        other = shutil.copytree(project, Path(folder, "other"), ignore=shutil.ignore_patterns(".venv"))
        subprocess.run(["uv", "sync", "--quiet"], cwd=other, env=environment(), check=True)
        seeds = range(arguments.seeds)
        with ThreadPoolExecutor(2) as pool:  # one for each project: a year writes its result there
            halves = pool.map(
                lambda folder, half: [year(folder, seed, arguments.rows) for seed in half],
                (project, other),
                (seeds[::2], seeds[1::2]),
            )
            years = sorted(chain(*halves), key=lambda one: one["seed"])
    promises = [
        Promise(
            "share of years in which retraining beats the frozen model by the margin",
            mean(one["pays"] for one in years),
            at_least=PAYS,
        ),
        Promise(
            "share of years without a retraining beyond the schedule in quiet months",
            mean(one["quiet"] for one in years),
            at_least=QUIET,
        ),
    ]
    method = f"{len(years)} years with different seeds, {arguments.rows} rows a month"
    write_results("year", method, promises, {"years": {f"seed {one.pop('seed')}": one for one in years}})


if __name__ == "__main__":
    main()
