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
from ..drills import Evidence
from ..drills.__main__ import current_code, faults, report
from ..drills.harness import page
from .system import System, running_system

EXPERIMENTS = Path(__file__).with_name("experiments")
STEADY_STATE = Path(__file__).with_name("steady_state.yaml")
JOURNALS = Path("reports/drills/journals")


def load(path: Path) -> dict[str, Any]:
    """Return an experiment, with the steady state that all have.

    Raises:
        UserError: chaostoolkit finds it invalid.
    """
    experiment = yaml.safe_load(path.read_text(encoding="utf-8"))
    experiment |= yaml.safe_load(STEADY_STATE.read_text(encoding="utf-8"))
    try:
        ensure_experiment_is_valid(experiment)
    except ChaosException as error:
        raise UserError(f"{path.name} is no valid experiment: {error}") from error
    return experiment


def run(system: System, experiment: dict[str, Any]) -> tuple[dict[str, Any], Evidence]:
    """Return the journal of an experiment, and what it shows."""
    with system.served() as clients:
        journal = run_experiment(experiment)
    done = {one["activity"]["name"]: one for one in journal["run"]}
    passed = journal["status"] == "completed" and not journal["deviated"]
    passed = passed and all(one["status"] == "succeeded" for one in journal["run"])
    return journal, Evidence(
        fault=experiment["title"],
        detected_after_seconds=_seconds(done, "detected"),
        decision=str(done.get("detected", {}).get("output") or _problem(journal)),
        action=str(done.get("recovered", {}).get("output") or "none"),
        recovered_after_seconds=_seconds(done, "recovered"),
        requests=clients.requests,
        requests_failed=clients.failed,
        recovered=passed,
    )


def _seconds(done: dict[str, Any], name: str) -> float | None:
    """Return the seconds from the fault to the end of an activity, if it succeeded."""
    if done.get(name, {}).get("status") != "succeeded":
        return None
    began, ended = (datetime.fromisoformat(one) for one in (done["fault"]["start"], done[name]["end"]))
    return max((ended - began).total_seconds(), 0)


def _problem(journal: dict[str, Any]) -> str:
    """Return why an experiment failed."""
    failed = [one for one in journal["run"] if one["status"] != "succeeded"]
    if failed:
        return f"{failed[0]['activity']['name']}: {' '.join(str(failed[0].get('exception')).split())[-300:]}"
    return f"the experiment is {journal['status']}{': the steady state is lost' if journal['deviated'] else ''}"


def main() -> None:
    """Run the named experiments, or all; exit with code 1 if one was not recovered from."""
    paths = {path.stem: path for path in sorted(EXPERIMENTS.glob("*.yaml"))}
    parser = argparse.ArgumentParser(prog="poe game-day", description="Cause faults in a live copy of this project.")
    parser.add_argument("names", choices=[*paths, []], nargs="*", metavar="NAME", help=", ".join(paths))
    names = parser.parse_args().names or [*paths]
    code, done = current_code(), dict[str, tuple[dict[str, Any], Evidence]]()
    with exit_on_user_error("game-day"):
        experiments = {name: load(paths[name]) for name in names}
        try:
            with running_system() as system:
                for name, experiment in experiments.items():
                    print(f"{name}: {experiment['title']}", flush=True)
                    with system.remediation(name):
                        done[name] = run(system, experiment)
        finally:  # whatever ended the last one
            for name, (journal, evidence) in done.items():
                write_json(journal, JOURNALS / f"{name}.json")
                report(name, evidence.model_copy(update={"ended": datetime.now(UTC), "code": code}))
            page.write(faults() | {name: str(load(path)["title"]) for name, path in paths.items()})
    raise SystemExit(not all(evidence.recovered for _, evidence in done.values()))


if __name__ == "__main__":
    main()
