# Managed by copier-mlops: an update merges with your edits.
"""Training that outlives its machine: it saves a checkpoint every few iterations, and resumes there; SIGTERM ends it at one.

A resumed model predicts exactly what one does that was trained without a break, and also what one does that was trained
without checkpoints, unless XGBoost draws rows or columns: each part draws others than the part before.
"""

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
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
    with sigterm_received() as received:
        fit_in_parts(estimator, inputs, target, folder / "checkpoint", settings.every, received)
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


def fit_in_parts(estimator: Any, inputs: Any, target: Any, path: Path, every: int, received: Event) -> None:
    """Fit an estimator that can add iterations or trees to what it has, from its last checkpoint on.

    Raises:
        UserError: it cannot, or stops early by itself.
        SystemExit: SIGTERM was received; a checkpoint is written.
    """
    parameters, boosted = estimator.get_params(), hasattr(estimator, "get_booster")  # by XGBoost
    size = next((name for name in ("n_estimators", "max_iter") if name in parameters), None)
    advice = f"set folder: null in {Checkpoints.path()}"
    if size is None or not (boosted or "warm_start" in parameters):
        raise UserError(f"{type(estimator).__name__} cannot be trained in parts: {advice}")
    if parameters.get("early_stopping") == "auto":
        estimator.set_params(early_stopping=len(target) > 10_000)  # as `auto` means it
    if estimator.get_params().get("early_stopping"):
        raise UserError(f"a resumed training cannot stop early: set early_stopping=False in `build_model`, or {advice}")
    done, total, seed = 0, parameters[size] or 100, parameters.get("random_state")
    if path.exists():
        done, estimator.__dict__ = joblib.load(path)
        print(f"  resumed after {done} of {total} iterations")
    while done < total:
        before, done = done, min(done + every, total)
        if boosted:
            part = {size: done - before, "random_state": seed + before if isinstance(seed, int) else seed}
            known = estimator.get_booster() if before else None
            estimator.set_params(**part).fit(inputs, target, xgb_model=known)
        else:
            estimator.set_params(warm_start=True, **{size: done}).fit(inputs, target)
        if done < total:
            write((done, vars(estimator)), path)
            if received.is_set():
                print(f"  SIGTERM: a checkpoint is written after {done} of {total} iterations", flush=True)
                raise SystemExit(TERMINATED)
    changed = {size, "warm_start", "random_state"} & parameters.keys()
    estimator.set_params(**{name: parameters[name] for name in changed})


def write(checkpoint: Any, path: Path) -> None:
    """Write a checkpoint completely or not at all, also if the machine is lost at that moment."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        joblib.dump(checkpoint, file)
        file.flush()
        os.fsync(file.fileno())
