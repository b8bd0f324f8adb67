# Managed by copier-mlops: an update merges with your edits.
"""An A/B test whose treatment predicts far too much: the guardrail stops it, and all users get the champion again."""

import time
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from ..core.experiment import ALIAS
from ..core.inputs import Inputs
from ..core.io import read_table
from ..core.paths import TRAIN
from ..modeling.data import features_and_target
from ..modeling.model import build_model
from ..pipeline.params import load_params
from ..registry import runs
from ..registry.client import Tracking
from ..training.live_server import live_server
from . import Evidence
from .harness.months import next_rows
from .harness.sandbox import sandbox, wait

SPOILED = 0.7  # share of the training rows that get the last class
POLICY = {"GOVERNANCE_COMMITTED": "false", "EXPERIMENT_GUARDRAILS": '{"max_prediction_shift": 0.5}'}


def main() -> Evidence:
    """Start a test of a version that was trained on spoiled targets, with users, and watch it."""
    with sandbox() as copy, live_server() as server:
        variables, version = {**POLICY, "EXPERIMENT_METRICS_FROM": server.address}, _register_spoiled()
        copy.run("experiments", "start", "--version", version, "--approved-by", "drill", **variables)
        rows = next_rows()

        def variants() -> list[Any]:
            return [(answer or {}).get("variant") for answer in server.send(rows)]

        wait(lambda: ALIAS in variants(), "the treatment is served")
        started, watch = time.monotonic(), ("--act", "--every", "1")
        watching = copy.start("experiments", "report", *watch, **variables)
        try:
            decision = wait(lambda: _stopped(variants(), copy.log()), "the guardrail stops the test")
            detected = time.monotonic() - started
            wait(lambda: ALIAS not in variants(), "the champion is served to all")
            recovered = time.monotonic() - started
            ended = watching.wait(60) == 0
        finally:
            watching.kill()
    return Evidence(
        fault=f"an A/B test of version {version}, trained on targets of which {SPOILED:.0%} are wrong",
        detected_after_seconds=detected,
        decision=decision,
        action="the test was stopped, and the alias of the treatment removed",
        recovered_after_seconds=recovered,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=ended and server.failed == 0,
    )


def _stopped(_: list[Any], log: str) -> str:
    """Return the line about the end of the test, once there is one after further requests."""
    return next((line for line in log.splitlines() if " is stopped: " in line), "")


def _register_spoiled() -> str:
    """Register a version whose predictions are too high, as if all checks had passed, and return its number."""
    params, (features, target) = load_params(), features_and_target(read_table(TRAIN))
    model = build_model(params.model, params.seed)
    if hasattr(model, "predict_proba"):
        spoiled = np.random.default_rng(0).random(len(target)) < SPOILED
        target = target.mask(pd.Series(spoiled, target.index), target.max())
    else:
        target = target + 3 * target.std()
    with runs.experiment(Tracking.load()), mlflow.start_run(run_name="drill"):
        logged = runs.log_model(model.fit(features, target), Inputs.read(), features)
        version = runs.register(Tracking.load().model, logged, {}, [], {"author": "spoiler"})
    return str(version)
