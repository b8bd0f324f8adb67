# Managed by copier-mlops: an update merges with your edits.
"""What a site computes from its rows in a round.

A linear model takes steps of L-BFGS. For differential privacy these are steps of gradient descent with momentum (Polyak 1964) in
which the gradient of each row is clipped and normal noise is added to their sum (Abadi et al. 2016, "Deep Learning with
Differential Privacy"): a row that is replaced by another changes the sum by at most twice the clip. The number of rows is no
secret. XGBoost grows trees on bins whose edges are public.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

from ..core.errors import UserError
from ..core.io import read_file
from ..modeling.data import TARGET, features_and_target
from .plan import Plan

RIDGE = 1e-5  # keeps weights finite where a column separates the classes
MOMENTUM = 0.9
STEP = 3.0  # in units of the inverse curvature; from 3.8 on, it can diverge with this momentum


def learn(plan: Plan, path: Path, received: list[np.ndarray], noise: float) -> tuple[list[np.ndarray], int]:
    """Return the site's arrays and the number of its rows.

    Args:
        plan: of all sites.
        path: the file with the rows.
        received: the arrays of the round.
        noise: standard deviation, in units of the most that one row can change; 0 without privacy.

    Raises:
        UserError: the rows are not as planned.
    """
    x, y = read(plan, path)
    if plan.rules.model == "xgboost":
        return [grow(plan, x, y, received[0])], len(x)
    return [descend(plan, x, y, received[0], noise)], len(x)


def read(plan: Plan, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the transformed features, shape (rows, features), and targets, shape (rows, outputs)."""
    texts = {each.name: not each.required for each in plan.inputs.columns if each.type == "string"}
    times = [each.name for each in plan.inputs.columns if each.type == "datetime"]
    try:
        features, target = features_and_target(read_file(path, texts, times))
    except KeyError as error:
        raise UserError(f"{path}: {' '.join(map(str, error.args))}") from error
    x = np.asarray(plan.transformer().transform(plan.inputs.from_table(features)), float)
    if target.isna().any():
        raise UserError(f"{path}: {TARGET}: {target.isna().sum()} values are missing")
    if not plan.classes:
        middle, half = plan.scale
        return x, np.clip((target.to_numpy(float) - middle) / half, -1, 1)[:, None]
    codes = pd.Index(plan.target).get_indexer(pd.Index(target))
    if (codes < 0).any():
        raise UserError(f"{path}: {TARGET}: {(codes < 0).sum()} rows have none of the classes {plan.target}")
    return x, np.eye(plan.outputs)[codes] if plan.outputs > 1 else codes[:, None].astype(float)


def descend(plan: Plan, x: np.ndarray, y: np.ndarray, weights: np.ndarray, noise: float) -> np.ndarray:
    """Return the weights after the local steps, shape (features + 1, outputs)."""
    rows, shape = np.c_[x, np.ones(len(x))], weights.shape

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, errors = losses(plan, rows @ flat.reshape(shape), y)
        return value / len(rows) + RIDGE * float(flat @ flat), (rows.T @ errors).ravel() / len(rows) + 2 * RIDGE * flat

    if not noise:
        found = minimize(
            loss, weights.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": plan.rules.local_steps}
        )
        return found.x.reshape(shape)
    lengths, velocity, random = np.linalg.norm(rows, axis=1), np.zeros(shape), np.random.default_rng()
    step, clip = STEP / plan.curvature(), plan.rules.privacy.clip
    for _ in range(plan.rules.local_steps):
        _, errors = losses(plan, rows @ weights, y)
        errors *= np.minimum(1, clip / np.maximum(lengths * np.linalg.norm(errors, axis=1), 1e-12))[:, None]
        total = rows.T @ errors + random.normal(0, noise * 2 * clip, shape)
        velocity = MOMENTUM * velocity - step * total / len(rows)
        weights = weights + velocity
    return weights


def losses(plan: Plan, scores: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the sum of squared errors or log losses, and its gradient by the scores, shape (rows, outputs)."""
    if not plan.classes:
        return float(((scores - y) ** 2).sum() / 2), scores - y
    if plan.outputs == 1:
        return float((np.logaddexp(0, scores) - y * scores).sum()), expit(scores) - y
    return float(logsumexp(scores, axis=1).sum() - (scores * y).sum()), softmax(scores, axis=1) - y


def grow(plan: Plan, x: np.ndarray, y: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Return the trees that the site adds to those of all sites, as bytes of XGBoost's JSON."""
    xgboost = import_module("xgboost")
    data, parameters = xgboost.DMatrix(x, y.ravel()), plan.trees
    booster = xgboost.Booster(parameters, [data])
    if received.size:
        booster.load_model(bytearray(received.tobytes()))
    before: Any = booster.num_boosted_rounds()
    for number in range(before, before + plan.rules.local_steps):
        booster.update(data, number)
    return np.frombuffer(booster[before:].save_raw("json"), np.uint8)
