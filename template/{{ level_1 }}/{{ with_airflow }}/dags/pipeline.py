# Managed by copier-mlops: an update merges with your edits.
"""The stages of `dvc.yaml` as a DAG, read from that file whenever Airflow parses this one.

The stages run one after another in the order of the file: all tasks share this checkout, which DVC locks. `poe stage` skips
a stage that is up to date. Use one worker, or put the checkout on a volume that all workers share.
"""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import yaml
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = Path(__file__).resolve().parents[1]
MODEL = yaml.safe_load((PROJECT / "config" / "tracking.yaml").read_text(encoding="utf-8"))["model"]
STAGES = list(yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])

with DAG(
    dag_id=MODEL,
    description=__doc__.partition("\n")[0],
    schedule="@weekly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
):
    # The first stage is forced: DVC cannot see that its source has new data.
    commands = [f"uv run --locked poe stage {'--force ' * (stage == STAGES[0])}{stage}" for stage in STAGES]
    tasks = [
        BashOperator(task_id=stage, bash_command=command, cwd=str(PROJECT))
        for stage, command in zip(STAGES, commands, strict=True)
    ]
    for earlier, later in pairwise(tasks):
        earlier >> later
