# Managed by copier-mlops: an update merges with your edits.
"""Tracks runs in MLflow and registers models: in `mlflow.db`, or on the server at MLFLOW_TRACKING_URI."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import ColSpec, DataType, Schema

from ..core.errors import UserError
from ..core.inputs import Inputs
from ..core.lineage import LOCK, dvc_hash, git, requirements
from ..core.paths import FIGURES, MODEL, REPORTS, TEST, TRAIN
from .client import CHALLENGER, EXAMPLE, INPUTS, Tracking, connected
from .trackers import Run

QUARTILES = (0.25, 0.5, 0.75)


@contextmanager
def experiment(tracking: Tracking) -> Generator[None]:
    """Connect to MLflow and select the experiment of the purpose.

    The place of the artifacts is set only if `mlflow.db` is used: a tracking server has its own.

    Raises:
        UserError: `mlflow.db` stores artifacts in another place: the folder was moved or copied, or the setting was changed.
    """
    name = f"{tracking.model}/{tracking.purpose}"
    local = "MLFLOW_TRACKING_URI" not in os.environ  # before connecting, which sets it
    with connected():
        found = mlflow.get_experiment_by_name(name) if local else None
        if found and not tracking.artifacts:
            _check_place(found.artifact_location)
        if tracking.artifacts and local:
            place = f"{_expand(tracking.artifacts)}/{name}"
            if found is None:
                mlflow.create_experiment(name, place)
            elif "://" in place and found.artifact_location != place:
                raise UserError(
                    f"{Tracking.path()}: artifacts is {tracking.artifacts}, but the experiment {name} keeps the place that it "
                    f"was made with, {found.artifact_location}. For a new one, rename it: `uv run mlflow experiments rename "
                    f"--experiment-id {found.experiment_id} --new-name {name}/before`"
                )
        mlflow.set_experiment(name)
        yield


def _check_place(artifacts: str) -> None:
    """Raise a `UserError` if a local folder of artifacts is not in this project: MLflow stores absolute paths."""
    place = Path(artifacts.removeprefix("file://"))
    if "://" not in str(place) and not place.is_relative_to(Path.cwd()):
        raise UserError(
            f"mlflow.db stores artifacts in {place}, which is not in this folder: it was moved or copied. Move it back,"
            " or remove mlflow.db and mlruns/ for a new registry; nothing was written"
        )


def log_run(run: Run) -> ModelInfo:
    """Log a run to the active experiment, tagged with its lineage, and return where its model is."""
    with mlflow.start_run(run_name=git("branch", "--show-current") or None, tags=run.record.tags()):
        mlflow.log_params(_flat(run.record.parameters))
        for name, values in run.curves.items():
            for step, value in enumerate(values):
                mlflow.log_metric(name, value, step=step)
        sizes = {"train_rows": len(run.train), "test_rows": len(run.test), "columns": run.train.shape[1]}
        mlflow.log_metrics({**run.metrics, **sizes, "model_megabytes": MODEL.stat().st_size / 1e6})
        mlflow.log_input(dataset(run.train, TRAIN), "training")
        mlflow.log_input(dataset(run.test, TEST), "testing")
        mlflow.log_artifacts(str(FIGURES), "reports/figures")
        for path in REPORTS.glob("*.json"):
            mlflow.log_artifact(str(path), "reports")
        if LOCK.exists():
            mlflow.log_artifact(str(LOCK), "environment")
        info = log_model(run.model, run.inputs, run.features)
    return info


def dataset(frame: pd.DataFrame, path: Path) -> MetaDataset:
    """Return the record of a data set in a run: name, place, columns and DVC's hash.

    MLflow's own `from_pandas` hashes each value in Python, which takes minutes for a large table.
    """
    source = resolve_dataset_source(str(path))
    return MetaDataset(source, name=path.stem, digest=dvc_hash(path), schema=_schema(Inputs.of(frame)))


def log_model(model: Any, inputs: Inputs, features: pd.DataFrame) -> ModelInfo:
    """Log the model with signature, example and requirements to the active run.

    skops loads only trusted types; those of the model are, since it was trained here.
    """
    import skops.io

    rows = example_rows(features)
    example = inputs.from_table(rows)
    outputs = mlflow.models.infer_signature(model_output=model.predict(example)).outputs
    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=ModelSignature(_schema(inputs), outputs),
        input_example=example,
        metadata={INPUTS: inputs.records(), EXAMPLE: inputs.to_rows(rows)},
        pip_requirements=requirements(),
        skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
    )


def example_rows(features: pd.DataFrame) -> pd.DataFrame:
    """Return rows that are no row of the data, since servers show them: the quartiles of each column."""
    columns = {}
    for name, column in features.items():
        known = column.dropna().sort_values()
        places = [round(quartile * (len(known) - 1)) for quartile in QUARTILES]
        columns[name] = (known.take(places) if len(known) else column.head(len(QUARTILES))).reset_index(drop=True)
    return pd.DataFrame(columns)


def download(model: ModelInfo, folder: Path) -> Path:
    """Copy the files of a logged model to a folder, and return where they are."""
    return Path(mlflow.artifacts.download_artifacts(model.model_uri, dst_path=str(folder)))


def add_file(model: ModelInfo, path: Path) -> None:
    """Add a file to a logged model."""
    mlflow.MlflowClient().log_model_artifact(str(model.model_id), str(path))


def register(
    name: str, model: ModelInfo, metrics: dict[str, float], shortfalls: list[str], tags: dict[str, str]
) -> int:
    """Register the model of a run with `tags` and return its version, which has no alias."""
    verdict = {
        "validation_status": "failed" if shortfalls else "passed",
        "validation_shortfalls": "; ".join(shortfalls),
    }
    known = {key: value for key, value in {**tags, **verdict}.items() if value}
    version = int(mlflow.register_model(model.model_uri, name, tags=known).version)  # no version is without its tags
    describe(name, str(version), str(model.run_id), metrics)
    return version


def describe(name: str, version: str, run_id: str, metrics: dict[str, float]) -> None:
    """Write metrics and links to the description of a version, and its number to the name of its run."""
    client, run, suffix = mlflow.MlflowClient(), mlflow.get_run(run_id).info, f", version {version}"
    figures = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if not name.startswith("baseline_"))
    page = f"#/experiments/{run.experiment_id}/runs/{run_id}"
    links = f"[Run]({page}) · [Report and model card]({page}/artifacts)"
    client.update_model_version(name, version, f"{figures}\n\n{links}")
    client.update_run(run_id, name=f"{run.run_name}".removesuffix(suffix) + suffix)


def make_challenger(name: str, version: str) -> None:
    """Give a version the alias of the challenger."""
    mlflow.MlflowClient().set_registered_model_alias(name, CHALLENGER, version)


def _expand(place: str) -> str:
    """Return `place` with environment variables expanded."""
    filled = os.path.expandvars(place)
    if "$" in filled:
        raise UserError(f"{Tracking.path()}: artifacts: {filled} names a variable that is not set: see .env.example")
    return filled


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _schema(inputs: Inputs) -> Schema:
    return Schema([ColSpec(DataType[each.type], each.name, required=each.required) for each in inputs.columns])
