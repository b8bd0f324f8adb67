# Managed by copier-mlops: an update merges with your edits.
"""Keeps runs in MLflow and models in its registry: in mlflow.db, or on the server that MLFLOW_TRACKING_URI names."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # a server that is down is told in seconds, not minutes
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import pandas as pd
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo
from pydantic import BaseModel

from . import files
from .data import features_and_target
from .errors import UserError
from .lineage import LOCK, dvc_hash, requirements
from .trackers import Run

CONFIGURATION = Path("tracking.yaml")
CHALLENGER = "challenger"
FAST_PATH = "model.onnx"  # in the folder of a registered model: the same model as ONNX, for the server
EXAMPLE_ROWS = 3
STORES = {"azure", "boto3", "botocore", "google"}  # packages whose errors MLflow lets through


class Tracking(BaseModel, extra="forbid", frozen=True):
    """The schema of `tracking.yaml`."""

    model: str
    purpose: Literal["baseline", "features", "tuning", "production"]
    artifacts: str | None = None


@contextmanager
def connected() -> Iterator[None]:
    """Connect to MLflow.

    Raises:
        UserError: MLflow, or where it keeps files, cannot be reached or fails in the block.
    """
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it logs what it raises
    for harmless in ("(?s).*integer column", "The specified dataset source can be interpreted in multiple ways"):
        warnings.filterwarnings("ignore", harmless, UserWarning)
    uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{Path('mlflow.db').resolve().as_posix()}")
    try:
        mlflow.set_tracking_uri(uri)
        yield
    except MlflowException as error:
        raise UserError(f"MLflow at {uri}: {' '.join(str(error).split())[:300]}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in STORES:
            raise
        raise UserError(f"MLflow's files: {' '.join(str(error).split())[:300]}") from error


@contextmanager
def experiment(tracking: Tracking) -> Iterator[None]:
    """Connect to MLflow and choose the experiment for the purpose; a server decides itself where its files are."""
    name, local = f"{tracking.model}/{tracking.purpose}", "MLFLOW_TRACKING_URI" not in os.environ  # MLflow will set it
    with connected():
        if tracking.artifacts and local and mlflow.get_experiment_by_name(name) is None:
            mlflow.create_experiment(name, f"{_filled_in(tracking.artifacts)}/{name}")
        mlflow.set_experiment(name)
        yield


def log_run(run: Run) -> ModelInfo:
    """Log all of a run to the active experiment, tagged with its sources, and return where its model is."""
    with mlflow.start_run(tags=run.sources):
        mlflow.log_params(_flat(run.params.model_dump()))
        for number, losses in run.rounds.items():
            mlflow.log_metrics(losses, step=number)
        mlflow.log_metrics({**run.metrics, **_sizes(run.train, run.test)})
        mlflow.log_input(dataset(run.train, files.TRAIN), "training")
        mlflow.log_input(dataset(run.test, files.TEST), "testing")
        mlflow.log_artifacts(str(files.FIGURES), "reports/figures")
        for path in files.REPORTS.glob("*.json"):
            mlflow.log_artifact(str(path), "reports")
        if LOCK.exists():
            mlflow.log_artifact(str(LOCK), "environment")
        info = log_model(run.model, features_and_target(run.train)[0])
    return info


def dataset(frame: pd.DataFrame, path: Path) -> MetaDataset:
    """Return what a run keeps of its data: name, place, columns and DVC's hash.

    MLflow's own data set of a table would look at each value of it in Python: minutes for a large one.
    """
    columns = mlflow.models.infer_signature(_floating(frame.head(EXAMPLE_ROWS))).inputs
    return MetaDataset(resolve_dataset_source(str(path)), name=path.stem, digest=dvc_hash(path), schema=columns)


def log_model(model: Any, features: pd.DataFrame) -> ModelInfo:
    """Log the model with signature, example and requirements to the active run.

    Its own types are trusted, since it was trained here: skops loads no others.
    """
    import skops.io

    example = _floating(features.head(EXAMPLE_ROWS))
    # In the signature, a value may be missing where one was in training.
    sample = _floating(features.loc[[*example.index, *features.isna().idxmax()]])
    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=mlflow.models.infer_signature(sample, model.predict(sample)),
        input_example=example,
        pip_requirements=requirements(),
        skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
    )


def add_fast_path(model: ModelInfo, onnx: bytes) -> None:
    """Put the model as ONNX beside the model that a run has logged."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FAST_PATH)
        path.write_bytes(onnx)
        mlflow.MlflowClient().log_model_artifact(str(model.model_id), str(path))


def register(
    name: str, model: ModelInfo, metrics: dict[str, float], shortfalls: list[str], tags: dict[str, str]
) -> int:
    """Register the model of a run with `tags` and return its version; it is the challenger if there are no shortfalls."""
    client = mlflow.MlflowClient()
    version = int(mlflow.register_model(model.model_uri, name).version)
    client.update_model_version(name, str(version), _summary(model.run_id, metrics))
    verdict = {
        "validation_status": "failed" if shortfalls else "passed",
        "validation_shortfalls": "; ".join(shortfalls),
    }
    for key, value in {**tags, **verdict}.items():
        if value:
            client.set_model_version_tag(name, str(version), key, value)
    if not shortfalls:
        client.set_registered_model_alias(name, CHALLENGER, str(version))
    return version


def log_file(run_id: str, path: Path) -> None:
    """Add a file to the reports of a run."""
    mlflow.MlflowClient().log_artifact(run_id, str(path), "reports")


def _summary(run_id: str, metrics: dict[str, float]) -> str:
    """Return what the registry's page says of a version: its metrics, and links to the pages of its run."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if not name.startswith("baseline_"))
    run = f"#/experiments/{mlflow.get_run(run_id).info.experiment_id}/runs/{run_id}"
    return f"{figures}\n\n[Run]({run}) · [Report and model card]({run}/artifacts)"


def _filled_in(place: str) -> str:
    """Return `place` with the values of the environment variables in it."""
    filled = os.path.expandvars(place)
    if "$" in filled:
        raise UserError(f"{CONFIGURATION}: artifacts: {filled} names a variable that is not set: see .env.example")
    return filled


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _sizes(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    return {
        "train_rows": len(train),
        "test_rows": len(test),
        "columns": train.shape[1],
        "model_megabytes": files.MODEL.stat().st_size / 1e6,
    }


def _floating(features: pd.DataFrame) -> pd.DataFrame:
    """Return integers as floats: a signature of integers would refuse a missing value."""
    return features.astype(dict.fromkeys(features.select_dtypes("integer"), "float64"))
