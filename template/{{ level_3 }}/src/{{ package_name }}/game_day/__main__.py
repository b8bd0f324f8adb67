# Managed by copier-mlops: an update merges with your edits.
"""Run chaostoolkit experiments in one live copy of the project: `poe game-day [NAME ...]`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment

from ..core.errors import UserError, exit_on_user_error
from ..core.io import write_json
from ..drills import FOLDER, Evidence
from ..drills.__main__ import current_code, faults, report
from ..drills.harness import page
from .system import System, running_system

EXPERIMENTS = Path(__file__).with_name("experiments")
STEADY_STATE = Path(__file__).with_name("steady_state.yaml")
JOURNALS = FOLDER / "journals"


def load(path: Path) -> dict[str, Any]:
    """Return an experiment, with the steady state and the objectives that all have.

    Raises:
        UserError: chaostoolkit finds it invalid.
    """
    steady, experiment = (yaml.safe_load(each.read_text(encoding="utf-8")) for each in (STEADY_STATE, path))
    experiment = steady | experiment | {"configuration": steady["configuration"] | experiment.get("configuration", {})}
    try:
        ensure_experiment_is_valid(experiment)
    except ChaosException as error:
        raise UserError(f"{path.name} is no valid experiment: {error}") from error
    return experiment


def run(system: System, experiment: dict[str, Any]) -> tuple[dict[str, Any], Evidence]:
    """Return the journal of an experiment, and what it shows.

    Raises:
        UserError: it was interrupted.
    """
    with system.served() as clients:
        journal = run_experiment(experiment)
    if journal["status"] == "interrupted":
        raise UserError(f"interrupted: {experiment['title']}")
    limits, done = journal["experiment"]["configuration"], {one["activity"]["name"]: one for one in journal["run"]}
    recovered, actions = _seconds(done, "recovered"), system.actions()
    seconds, percent = limits["recovered_within_seconds"], limits["failed_percent_at_most"]
    failed = {name: one["exception"][-1] for name, one in done.items() if one["status"] != "succeeded"}
    problems = {
        **{f"{name}: {' '.join(why.split(': ', 2)[2].split())[:300]}": True for name, why in failed.items()},
        "what holds before or after each fault does not": journal["deviated"] or journal["status"] != "completed",
        f"recovered after more than {seconds} s": (recovered or 0) > seconds,
        f"more than {percent} % of the requests failed": clients.failed > percent / 100 * clients.requests,
        f"remediation did {actions}": actions != [f"{one} verified" for one in limits["actions"]],
    }
    problem = "; ".join(line for line, there in problems.items() if there)
    return journal, Evidence(
        fault=experiment["title"],
        detected_after_seconds=_seconds(done, "detected"),
        decision=problem or str(done["detected"]["output"]),
        action=str(done.get("recovered", {}).get("output") or "none"),
        recovered_after_seconds=recovered,
        requests=clients.requests,
        requests_failed=clients.failed,
        recovered=not problem,
        ended=datetime.now(UTC),
    )


def _seconds(done: dict[str, Any], name: str) -> float | None:
    """Return the seconds from the fault to the end of an activity, if it succeeded."""
    if done.get(name, {}).get("status") != "succeeded":
        return None
    began, ended = (datetime.fromisoformat(one) for one in (done["fault"]["start"], done[name]["end"]))
    return max((ended - began).total_seconds(), 0)


def main() -> None:
    """Run the named experiments, or all; exit with code 1 if one was not recovered from."""
    paths = {path.stem: path for path in sorted(EXPERIMENTS.glob("*.yaml"))}
    parser = argparse.ArgumentParser(prog="poe game-day", description="Cause faults in a live copy of this project.")
    parser.add_argument("names", choices=[*paths, []], nargs="*", metavar="NAME", help=", ".join(paths))
    names = parser.parse_args().names or [*paths]
    code, done = current_code(), dict[str, tuple[dict[str, Any], Evidence]]()
    with exit_on_user_error("game-day"):
        experiments = {name: load(path) for name, path in paths.items()}
        try:
            with running_system() as system:
                for name in names:
                    print(f"{name}: {experiments[name]['title']}", flush=True)
                    system.forget()
                    done[name] = run(system, experiments[name])
        finally:  # whatever ended the last one
            for name, (journal, evidence) in done.items():
                write_json(journal, JOURNALS / f"{name}.json")
                report(name, evidence.model_copy(update={"code": code}))
            titles = {name: one["title"] for name, one in experiments.items()}
            page.write({**faults(), **titles}, "poe drill NAME", "poe game-day NAME")
    raise SystemExit(not all(evidence.recovered for _, evidence in done.values()))


if __name__ == "__main__":
    main()
