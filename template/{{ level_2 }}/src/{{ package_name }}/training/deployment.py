# Managed by copier-mlops: an update merges with your edits.
"""Validates the challenger before it is deployed: one page, one exit code; `poe check-deployment`."""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from pydantic import BaseModel

from ..core.column_types import group_name
from ..core.errors import UserError, exit_on_user_error
from ..core.inputs import Inputs
from ..core.io import read_json, read_model, read_table, write_json
from ..core.paths import RAW, REPORTS, TEST
from ..core.retraining import Retraining
from ..core.run_record import RunRecord
from ..modeling.data import SLICES, features_and_target
from ..monitoring.client import Client, outputs
from ..monitoring.live_server import live_server
from ..pipeline import comparison
from ..pipeline.comparison import Comparison, losses
from ..pipeline.expectations import check as check_expectations
from ..pipeline.expectations import load_suite
from ..pipeline.metrics import as_prediction, predict
from ..pipeline.served import predict_served
from ..pipeline.stages.validate import EXPECTATIONS
from ..registry.client import CHALLENGER, champion, connected, registered, version_of
from ..reporting import model_card
from ..reporting.html import FEW_ROWS, write_page
from ..serving.loader import load
from ..serving.settings import Serving

PAGE, RESULT = REPORTS / "deployment.html", REPORTS / "deployment.json"
TIMED_REQUESTS = 100
TOLERANCE = 1e-5  # of a probability, or of a number relative to its mean


class Check(BaseModel, frozen=True):
    """What one check found."""

    name: str
    passed: bool
    found: str


def check() -> list[str]:
    """Check the model that was registered last, write `reports/deployment.json` and its page; return what failed, a line each."""
    run = RunRecord.read()
    checks = [_checked(name, run) for name in CHECKS]
    write_json({"model": run.model, "version": run.version, "checks": [one.model_dump() for one in checks]}, RESULT)
    write_page(PAGE, model=run.model, version=run.version, checks=checks)
    return [f"{one.name}: {one.found}" for one in checks if not one.passed]


def _checked(name: str, run: RunRecord) -> Check:
    try:
        return Check(name=name, passed=True, found=CHECKS[name](run))
    except UserError as problem:
        return Check(name=name, passed=False, found=str(problem))


def _data(_: RunRecord) -> str:
    frame = read_table(RAW)
    outcomes = check_expectations(frame, load_suite(EXPECTATIONS, frame))
    _require([outcome.line for outcome in outcomes if not outcome.met])
    return f"{len(frame):,} rows meet {len(outcomes)} expectations"


def _gate(run: RunRecord) -> str:
    compared = _compared()
    _require([line for line in run.shortfalls if compared is None or line != compared.line])
    return "passes params.yaml and all checks of registration"


def _compared() -> Comparison | None:
    return Comparison(**read_json(comparison.PATH)) if comparison.PATH.exists() else None


def _comparison(_: RunRecord) -> str:
    if (found := _compared()) is None:
        return "there is no champion to compare with"
    _require([] if found.passed else [found.line])
    return found.line


def _card(_: RunRecord) -> str:
    model_card.check()
    return "no required section is empty"


def _slices(run: RunRecord) -> str:
    """Compare the loss in each group of enough test rows with that of the champion."""
    if (current := champion(mlflow.MlflowClient(), run.model)) in (None, str(run.version)):
        return "there is no champion to compare with"
    test, served = read_table(TEST), load(run.model, str(current))
    features, target = features_and_target(test)
    old = losses(target, as_prediction(predict_served(served, features), served.predictor.classes, features))
    new = losses(target, predict(read_model(), Inputs.read().from_table(features)))
    limit, groups = Retraining.load().deployment.max_slice_loss, 0
    worse = []
    for column in SLICES:
        for group, rows in test.reset_index(drop=True).groupby(column, dropna=False, observed=True).groups.items():
            change = new[rows].mean() / old[rows].mean() - 1
            groups += len(rows) >= FEW_ROWS
            if len(rows) >= FEW_ROWS and change > limit:
                worse.append(
                    f"{column} {group_name(group)}: loss {change:+.0%} against champion {current}, {len(rows)} rows"
                )
    _require(worse)
    return f"none of {groups} groups loses more than {limit:.0%} against champion {current}"


def _size(run: RunRecord) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(f"models:/{run.model}/{run.version}", dst_path=folder)
        size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file()) / 1e6
    limit = Retraining.load().deployment.max_megabytes
    _require([f"{size:.1f} MB, the limit is {limit:g}"] if size > limit else [])
    return f"{size:.1f} MB"


def _server(run: RunRecord) -> str:
    """Start the server with the challenger; it must answer all test rows as the trained model does, and in time."""
    alias = version_of(registered(mlflow.MlflowClient(), run.model), CHALLENGER)
    _require([] if alias == str(run.version) else [f"not started: version {run.version} is not the {CHALLENGER}"])
    features, _ = features_and_target(read_table(TEST))
    expected = predict(read_model(), Inputs.read().from_table(features))
    rows = Inputs.read().to_rows(features)
    with (
        tempfile.TemporaryDirectory() as log,  # these are no predictions of clients
        live_server(SERVING_ALIASES=CHALLENGER, SERVING_MODELS=run.model, PREDICTION_LOG_PLACE=log) as server,
    ):
        found = _answers(server, rows)
        milliseconds = _latency(server, rows[:TIMED_REQUESTS])
    scale = 1.0 if isinstance(expected, pd.DataFrame) else max(1.0, float(np.abs(expected).mean()))
    off = float(np.abs(np.asarray(found) - expected.to_numpy()).max() / scale)
    _require([f"predictions differ by up to {off:.2g} from those of the trained model"] if off > TOLERANCE else [])
    limit = Retraining.load().deployment.max_milliseconds
    slow = f"95 % of the answers take up to {milliseconds:.0f} ms, the limit is {limit:g}"
    _require([slow] if milliseconds > limit else [])
    return f"answers {len(rows):,} test rows as the trained model does; 95 % of single rows in {milliseconds:.1f} ms"


def _answers(server: Client, rows: Sequence[Any]) -> list[Any]:
    """Return the answer for each row: the number, or the probabilities in the order of the classes."""
    found, size = [], Serving.load().max_rows
    for start in range(0, len(rows), size):
        if (answer := server.predict(rows[start : start + size])) is None:
            raise UserError(f"test rows {start} to {start + size}: {server.problem}")
        found += outputs(answer)
    return found


def _latency(server: Client, rows: Sequence[Any]) -> float:
    """Return the 95th percentile of the milliseconds that one row takes."""
    seconds = []
    for row in rows:
        started = time.perf_counter()
        server.predict([row])
        seconds.append(time.perf_counter() - started)
    return float(np.quantile(seconds, 0.95) * 1000)


def _require(problems: list[str]) -> None:
    if problems:
        raise UserError("; ".join(problems))


CHECKS: dict[str, Callable[[RunRecord], str]] = {
    "data": _data,
    "gate": _gate,
    "comparison": _comparison,
    "model card": _card,
    "slices": _slices,
    "size": _size,
    "server": _server,
}


def main() -> None:
    """Check, and exit with code 1 if a check failed."""
    argparse.ArgumentParser(prog="poe check-deployment", description="Check the newest challenger.").parse_args()
    with exit_on_user_error("check-deployment"), connected():
        if problems := check():
            raise UserError("\n  ".join([f"the model may not be deployed, see {PAGE}", *problems]))
        print(f"the model may be deployed, see {PAGE}")


if __name__ == "__main__":
    main()
