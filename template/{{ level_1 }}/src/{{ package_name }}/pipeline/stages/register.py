# Managed by copier-mlops: an update merges with your edits.
"""Track the run, register the model, and write its card and the report."""

from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.models.model import ModelInfo

from ...core import lineage, paths
from ...core.errors import UserError
from ...core.io import read_json, read_model, read_table
from ...core.run_record import RunRecord
from ...modeling.data import ENTITY, TARGET, features_and_target
from ...registry import audit, runs, trackers
from ...registry.client import Tracking
from ...reporting import model_card, report
from .. import onnx_export
from ..champion import measured_champion
from ..checks import Candidate, shortfalls
from ..describe import describe_run
from ..learning_curve import learning_curves
from ..metrics import predict
from ..params import load_params


def main() -> None:
    """Track the run in MLflow; write `reports/run.json`, the model card and the report.

    Raises:
        UserError: the model failed a registration check: it is registered, but does not become the challenger.
    """
    params, tracking, model = load_params(), Tracking.load(), read_model()
    metrics, train, test = read_json(paths.METRICS), read_table(paths.TRAIN), read_table(paths.TEST)
    with runs.experiment(tracking):
        champion = measured_champion(tracking.model, test)
        missed = shortfalls(Candidate(tracking.model, model, params, metrics, test, champion))
        record = describe_run(tracking, params, model, train, test, missed).model_copy(update={"champion": champion})
        run = trackers.Run(
            record=record,
            metrics=metrics,
            curves=learning_curves(model),
            model=model,
            features=features_and_target(train)[0],
            train=train,
            test=test,
            predictions=predictions(model, test),
        )
        logged = runs.log_run(run)
        trackers.log(run, logged.run_id)
        version = register(run, logged) if tracking.purpose == "production" else None
        record = record.model_copy(update={"run_id": logged.run_id, "version": version})
        write_reports(record)
    if not record.git_clean:
        print("  trained with code that is not committed: commit it with dvc.lock before you promote the model")
    if missed and version:
        raise UserError(f"version {version} is registered but failed the quality gate: {'; '.join(missed)}")
    print(f"  report: {report.PAGE}" + (f"; {tracking.model} {version} is the challenger" if version else ""))


def predictions(model: Any, test: pd.DataFrame) -> pd.DataFrame:
    """Return entity, target and prediction of the test rows; a column per class if there are classes."""
    predicted = predict(model, features_and_target(test)[0])
    if isinstance(predicted, pd.Series):
        predicted = predicted.to_frame(TARGET)
    return test[[ENTITY, TARGET]].join(predicted.add_prefix("predicted_"))


def register(run: trackers.Run, logged: ModelInfo) -> int:
    """Register the logged model, with its fast path if it has one, and return its version."""
    record, author = run.record, lineage.author()
    fast_path = add_fast_path(logged, run)
    empty = ", ".join(model_card.empty_sections())
    tags = {"author": author, "card_gaps": empty, "fast_path": fast_path, **record.tags()}
    version = runs.register(record.model, logged, run.metrics, record.shortfalls, tags)
    audit.record_registration(MlflowClient(), record.model, str(version), author, record.shortfalls)
    return version


def add_fast_path(logged: ModelInfo, run: trackers.Run) -> str:
    """Export the logged model to ONNX, and return "onnx", or why the server uses the native model."""
    try:
        runs.add_fast_path(logged, onnx_export.convert(run.model, features_and_target(run.test)[0]))
    except onnx_export.ConversionError as error:
        print(f"  served without a fast path: {error}")
        return f"none: {error}"
    return "onnx"


def write_reports(record: RunRecord) -> None:
    """Write record, model card and report, and attach the pages to the run in MLflow."""
    record.write()
    model_card.write(record)
    report.write(record)
    for path in (model_card.MARKDOWN, model_card.PAGE, report.PAGE):
        runs.log_file(str(record.run_id), path)
