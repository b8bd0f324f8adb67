# Managed by copier-mlops: an update merges with your edits.
"""Tells Weights & Biases: at once if WANDB_API_KEY is set, else from `.wandb/` by `wandb sync`, later."""

import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import wandb
from wandb.errors import Error

from .. import files
from ..data import ENTITY, TARGET, features_and_target
from ..metrics import predict
from . import Run

TABLE_ROWS = 1_000
START_SECONDS = 10
SEND_SECONDS = 120


def log(run: Run, run_id: str) -> None:
    """Tell of a run; a failure is told and stops nothing, since MLflow has it all."""
    os.environ.setdefault("WANDB_MODE", "online" if os.environ.get("WANDB_API_KEY") else "offline")
    os.environ.setdefault("WANDB_DATA_DIR", ".wandb")  # files wait there until they are sent
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    settings = wandb.Settings(
        root_dir=str(Path.cwd()),
        use_dot_wandb=True,  # linters would take a folder `wandb` for a package of ours
        silent=True,
        console="off",
        init_timeout=START_SECONDS,
        finish_timeout=SEND_SECONDS,
    )
    config = {**run.params.model_dump(mode="json"), **run.sources, "mlflow_run": run_id}
    try:
        with wandb.init(project=run.model_name, group=run.purpose, config=config, settings=settings) as sent:
            for number, metrics in run.rounds.items():
                sent.log(metrics, step=number)
            sent.log({"predictions": wandb.Table(dataframe=predictions(run.model, run.test))})
            sent.summary.update(run.metrics)
            artifact = wandb.Artifact(run.model_name, type="model", metadata=run.metrics)
            artifact.add_file(str(files.MODEL))
            sent.log_artifact(artifact)
    except Error as error:
        print(f"Weights & Biases does not have this run: {' '.join(str(error).split())[:300]}", file=sys.stderr)


def predictions(model: Any, test: pd.DataFrame) -> pd.DataFrame:
    """Return key, target and prediction of the first test rows, for each class if there are classes."""
    rows = test.head(TABLE_ROWS)
    predicted = predict(model, features_and_target(rows)[0])
    if isinstance(predicted, pd.Series):
        predicted = predicted.to_frame(TARGET)
    return rows[[ENTITY, TARGET]].join(predicted.add_prefix("predicted_"))
