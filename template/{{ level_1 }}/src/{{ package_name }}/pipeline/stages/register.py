# Managed by copier-mlops: an update merges with your edits.
"""Track the run, write the model card and the report, and register the model."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.models.model import ModelInfo

from ...core import lineage, paths
from ...core.errors import UserError
from ...core.inputs import Inputs
from ...core.io import read_json, read_model, read_table
from ...core.run_record import RunRecord
from ...modeling.data import ENTITY, TARGET, features_and_target
from ...registry import audit, runs, trackers
from ...registry.audit_log import locked
from ...registry.client import FAST_PATH, Tracking
from ...registry.preparation import prepare
from ...reporting import model_card, report
from ...serving.loader import load_folder
from .. import onnx_export
from ..checks import Candidate, shortfalls
from ..describe import describe_run, learning_curves
from ..metrics import predict
from ..params import load_params
from ..served import difference, measured_champion


def main() -> None:
    """Track the run in MLflow; write `reports/run.json`, the model card and the report; register the model.

    What cannot be undone comes last: the version, then its alias.

    Raises:
        UserError: the model failed a registration check: it is registered, but does not become the challenger. Or the
            server cannot load it, or would predict differently: it is not registered.
    """
    params, tracking, model, inputs = load_params(), Tracking.load(), read_model(), Inputs.read()
    metrics, train, test = read_json(paths.METRICS), read_table(paths.TRAIN), read_table(paths.TEST)
    with runs.experiment(tracking):
        print("  compare with the champion, and track the run in MLflow", flush=True)
        champion = measured_champion(tracking.model, test)
        missed = shortfalls(Candidate(tracking.model, model, params, metrics, test, champion))
        run = trackers.Run(
            record=describe_run(tracking, params, model, train, test, missed, champion),
            metrics=metrics,
            curves=learning_curves(model),
            model=model,
            inputs=inputs,
            features=features_and_target(train)[0],
            train=train,
            test=test,
            predictions=predictions(model, inputs, test),
        )
        logged = runs.log_run(run)
        trackers.log(run, logged.run_id)
        record = run.record.model_copy(update={"run_id": logged.run_id})
        if tracking.purpose == "production":
            record = register(run, record, logged)
        else:
            write_reports(record)
    if not record.git_clean:
        print("  trained with code that is not committed: commit it with dvc.lock before you promote the model")
    if missed and record.version:
        raise UserError(f"version {record.version} is registered but failed the quality gate: {'; '.join(missed)}")
    challenger = f"{record.model} {record.version} is the challenger"
    tracked = f"tracked, not registered: {tracking.path()} has `purpose: {tracking.purpose}`"
    print(f"  report: {report.PAGE}; {challenger if record.version else tracked}")


def predictions(model: Any, inputs: Inputs, test: pd.DataFrame) -> pd.DataFrame:
    """Return entity, target and prediction of the test rows; a column per class if there are classes."""
    predicted = predict(model, inputs.from_table(features_and_target(test)[0]))
    if isinstance(predicted, pd.Series):
        predicted = predicted.to_frame(TARGET)
    return test[[ENTITY, TARGET]].join(predicted.add_prefix("predicted_"))


def register(run: trackers.Run, record: RunRecord, logged: ModelInfo) -> RunRecord:
    """Register the logged model and return the record of its version, which becomes the challenger without shortfalls.

    A registration that a crash interrupted goes on with the version that it made, whose run is the one of that time.
    """
    fast_path = add_fast_path(logged, run)
    write_reports(record, attach=False)  # what is wrong with a page shows before there is a version
    author, empty = lineage.author(), ", ".join(model_card.empty_sections())
    tags = {"author": author, "card_gaps": empty, "fast_path": fast_path, **record.tags(), **prepare(logged)}
    with locked():
        if found := audit.unfinished_registration(MlflowClient(), record.model, record.tags(), record.shortfalls):
            record = record.model_copy(update={"version": int(found.version), "run_id": found.run_id})
            runs.describe(record.model, str(found.version), str(found.run_id), run.metrics)
        else:
            version = runs.register(record.model, logged, run.metrics, record.shortfalls, tags)
            record = record.model_copy(update={"version": version})
        write_reports(record)
        audit.record_registration(MlflowClient(), record.model, str(record.version), author, record.shortfalls)
        if not record.shortfalls:
            runs.make_challenger(record.model, str(record.version))
    return record


def add_fast_path(logged: ModelInfo, run: trackers.Run) -> str:
    """Export the logged model to ONNX, and return "onnx", or why the server uses the native model.

    Raises:
        UserError: the server cannot load the native model, or predicts differently from the trained one.
    """
    print("  export to ONNX, and compare the server's predictions of the test rows with the model's", flush=True)
    features, _ = features_and_target(run.test)
    with tempfile.TemporaryDirectory() as folder:
        path = runs.download(logged, Path(folder))
        if problem := served_differently(run, path, features):
            raise UserError(f"the model is not registered: served natively, {problem}")
        try:
            (path / FAST_PATH).write_bytes(onnx_export.convert(run.model, run.inputs))
            problem = served_differently(run, path, features)
        except onnx_export.ConversionError as error:
            problem = str(error)
        if problem:
            print(f"  served without a fast path: {problem}")
            return f"none: {problem}"
        runs.add_file(logged, path / FAST_PATH)
    return "onnx"


def served_differently(run: trackers.Run, path: Path, features: pd.DataFrame) -> str | None:
    """Return in which way the server predicts differently by the model in a folder, or why it cannot, or None."""
    try:
        return difference(run.model, run.inputs, load_folder(path, run.record.model, "new"), features)
    except UserError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - of any library
        return f"it fails: {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def write_reports(record: RunRecord, attach: bool = True) -> None:
    """Write record, model card and report, and attach the pages to the run in MLflow."""
    record.write()
    model_card.write(record)
    report.write(record)
    for path in (model_card.MARKDOWN, model_card.PAGE, report.PAGE) if attach else ():
        MlflowClient().log_artifact(str(record.run_id), str(path), "reports")
