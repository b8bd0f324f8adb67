# Managed by copier-mlops: an update merges with your edits.
"""Training that outlives its machine: checkpoints every few iterations, and one more on SIGTERM, after which it resumes.

A resumed model predicts exactly what one that was trained without a break does, as long as an iteration draws no random
numbers: with XGBoost's `subsample` or scikit-learn's `max_features` it is as good, but not the same.
"""

import hashlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

import joblib
import pandas as pd
from pydantic import PositiveInt

from ...core.errors import UserError
from ...core.io import atomic_write
from ...core.settings import Settings

TERMINATED = 128 + signal.SIGTERM  # exit code of a process that SIGTERM ended


class Checkpoints(Settings, env_prefix="CHECKPOINTS_"):
    """The schema of `config/checkpoints.yaml`."""

    folder: Path | None
    every: PositiveInt


def fit(model: Any, features: pd.DataFrame, target: pd.Series) -> Any:
    """Return the fitted model, or None if no folder for checkpoints is configured.

    Raises:
        UserError: the last step of the model cannot be trained in parts.
        SystemExit: SIGTERM was received; a checkpoint is written.
    """
    settings = Checkpoints.load()
    if settings.folder is None:
        return None
    steps, estimator = model[:-1], model[-1]
    inputs = steps.fit_transform(features, target) if len(steps) else features
    folder = settings.folder / fingerprint(estimator, inputs, target)
    train = fit_xgboost if hasattr(estimator, "get_booster") else fit_warm_start
    with sigterm_received() as received:
        train(estimator, inputs, target, folder / "checkpoint", settings.every, received)
    shutil.rmtree(folder, ignore_errors=True)
    return model


@contextmanager
def sigterm_received() -> Iterator[Event]:
    """Yield an event that SIGTERM sets, in place of what it does outside of the block."""
    received = Event()
    before = signal.signal(signal.SIGTERM, lambda *_: received.set())
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


def fingerprint(estimator: Any, inputs: Any, target: pd.Series) -> str:
    """Return a name for what is trained: another model or other data never resumes from these checkpoints."""
    parameters = repr(sorted(estimator.get_params().items()))
    digest = hashlib.sha256(f"{parameters} {joblib.hash((type(estimator), inputs, target))}".encode())
    return digest.hexdigest()[:16]


def fit_xgboost(estimator: Any, inputs: Any, target: Any, path: Path, every: int, received: Event) -> None:
    """Fit an estimator of XGBoost, from its last checkpoint on."""
    xgb: Any = import_module("xgboost")  # a project of scikit-learn does not have it
    rounds, callbacks = estimator.n_estimators or 100, estimator.callbacks
    start = xgb.Booster(model_file=path) if path.exists() else None
    done = announce(start.num_boosted_rounds() if start else 0, rounds)

    class Checkpoint(xgb.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
            count = model.num_boosted_rounds()
            if count < rounds and (count % every == 0 or received.is_set()):
                write(path, lambda temporary: temporary.write_bytes(model.save_raw("ubj")))
            return received.is_set()  # true ends the training

    estimator.set_params(n_estimators=rounds - done, callbacks=[*(callbacks or []), Checkpoint()])
    estimator.fit(inputs, target, xgb_model=start)
    estimator.set_params(n_estimators=rounds, callbacks=callbacks)
    leave_if(received, estimator.get_booster().num_boosted_rounds(), rounds)


def fit_warm_start(estimator: Any, inputs: Any, target: Any, path: Path, every: int, received: Event) -> None:
    """Fit an estimator of scikit-learn that can add iterations or trees to what it has, from its last checkpoint on.

    Raises:
        UserError: it cannot, or stops early by itself.
    """
    parameters = estimator.get_params()
    size = next((name for name in ("n_estimators", "max_iter") if name in parameters), None)
    if size is None or "warm_start" not in parameters:
        raise UserError(
            f"{type(estimator).__name__} cannot be trained in parts: set folder: null in {Checkpoints.path()}"
        )
    if parameters.get("early_stopping") == "auto":
        estimator.set_params(early_stopping=len(target) > 10_000)  # as `auto` means it
    if estimator.get_params().get("early_stopping"):
        raise UserError(
            "a resumed training cannot stop early: set early_stopping=False in `build_model`, or folder: null in"
            f" {Checkpoints.path()}"
        )
    total, done = parameters[size], 0
    if path.exists():
        estimator.__dict__.update(vars(joblib.load(path)))
        done = announce(getattr(estimator, size), total)
    while done < total:
        done = min(done + every, total)
        estimator.set_params(warm_start=True, **{size: done}).fit(inputs, target)
        if done < total:
            write(path, lambda temporary: joblib.dump(estimator, temporary))
        leave_if(received, done, total)
    estimator.set_params(**{name: parameters[name] for name in (size, "warm_start")})


def announce(done: int, total: int) -> int:
    """Print where training resumes, if it does, and return that."""
    if done:
        print(f"  resumed after {done} of {total} iterations")
    return done


def leave_if(received: Event, done: int, total: int) -> None:
    """Exit if SIGTERM was received while there is something left to do."""
    if received.is_set() and done < total:
        print(f"  SIGTERM: a checkpoint is written after {done} of {total} iterations", flush=True)
        raise SystemExit(TERMINATED)


def write(path: Path, save: Callable[[Path], Any]) -> None:
    """Write a checkpoint completely or not at all, also if the machine is lost at that moment."""
    with atomic_write(path) as temporary:
        save(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
