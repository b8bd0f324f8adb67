# Managed by copier-mlops: an update merges with your edits.
"""The stages of `dvc.yaml` as a DAG: read from that file whenever Airflow reads this one, so there is one pipeline.

A task asks DVC for its stage, which runs only if something changed. All tasks work in this checkout, one at a time, since
DVC locks it: let one worker have them, or put the checkout on a volume that all workers share.
"""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = Path(__file__).resolve().parents[1]
SCHEDULE = "@weekly"


def read(name: str) -> dict[str, Any]:
    """Return a YAML file of the project."""
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


def makers(stages: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Return for each stage those that make what it reads.

    Raises:
        ValueError: DVC makes several stages of one, which this does not follow.
    """
    if several := [name for name, stage in stages.items() if {"foreach", "matrix"} & stage.keys()]:
        raise ValueError(f"dvc.yaml: write out {', '.join(several)}: foreach and matrix are not followed")
    made = [(path, name) for name, stage in stages.items() for path in paths(stage, "outs", "metrics", "plots")]
    return {
        name: {maker for read in paths(stage, "deps") for path, maker in made if overlap(read, path)}
        for name, stage in stages.items()
    }


def paths(stage: dict[str, Any], *keys: str) -> list[PurePosixPath]:
    """Return the paths in some lists of a stage, each of which may have settings."""
    entries = [entry for key in keys for entry in stage.get(key, [])]
    return [PurePosixPath(path) for entry in entries for path in ([entry] if isinstance(entry, str) else entry)]


def overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
    """Tell whether two paths are the same, or one is in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def command(name: str, first: bool) -> str:
    """Return what runs a stage; a first one runs always, for DVC cannot see that its source has new data."""
    return f"uv run --locked poe pipeline --single-item {'--force ' if first else ''}{name}"


with DAG(
    dag_id=read("tracking.yaml")["model"],
    description=__doc__.partition("\n")[0],
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
):
    before = makers(read("dvc.yaml")["stages"])
    tasks = {
        name: BashOperator(task_id=name, bash_command=command(name, first=not makers_of), cwd=str(PROJECT))
        for name, makers_of in before.items()
    }
    for name, makers_of in before.items():
        tasks[name].set_upstream([tasks[each] for each in sorted(makers_of)])
