# Managed by copier-mlops: an update merges with your edits.
"""Weights & Biases: runs are sent at once if WANDB_API_KEY is set, else stored in `.wandb/` for `wandb sync`."""

import os
import sys
from pathlib import Path

import wandb
from wandb.errors import Error

from ...core.paths import MODEL
from . import Run

TABLE_ROWS = 1_000
START_SECONDS = 10
SEND_SECONDS = 120


def log(run: Run, run_id: str) -> None:
    """Send a run; a failure is printed and stops nothing, since MLflow has the whole run."""
    os.environ.setdefault("WANDB_MODE", "online" if os.environ.get("WANDB_API_KEY") else "offline")
    os.environ.setdefault("WANDB_DATA_DIR", ".wandb")  # stores files until they are sent
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    settings = wandb.Settings(
        root_dir=str(Path.cwd()),
        use_dot_wandb=True,  # a folder `wandb` would look like a package of the project
        silent=True,
        console="off",
        init_timeout=START_SECONDS,
        finish_timeout=SEND_SECONDS,
    )
    record = run.record
    config = {**record.parameters, **record.tags(), "mlflow_run": run_id}
    try:
        with wandb.init(project=record.model, group=record.purpose, config=config, settings=settings) as sent:
            for name, values in run.curves.items():
                sent.define_metric(name, step_metric="iteration")
                for iteration, value in enumerate(values):
                    sent.log({name: value, "iteration": iteration})
            sent.log({"predictions": wandb.Table(dataframe=run.predictions.head(TABLE_ROWS))})
            sent.summary.update(run.metrics)
            artifact = wandb.Artifact(record.model, type="model", metadata=run.metrics)
            artifact.add_file(str(MODEL))
            sent.log_artifact(artifact)
    except Error as error:
        print(f"Weights & Biases: the run was not sent: {' '.join(str(error).split())[:300]}", file=sys.stderr)
