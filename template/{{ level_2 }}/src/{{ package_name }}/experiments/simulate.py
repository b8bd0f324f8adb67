# Managed by copier-mlops: an update merges with your edits.
"""Simulated users of a running A/B test: test rows under new entities, sent to a real server, and their outcomes."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pandas as pd

from ..core.column_types import kind_of
from ..core.errors import UserError
from ..core.experiment import ALIAS
from ..core.io import read_table
from ..core.paths import TEST
from ..modeling.data import ENTITY, TARGET, VALUE
from ..modeling.labels import TIME
from ..monitoring.client import Client
from ..monitoring.labels import ingest
from ..monitoring.replay import LOG_SECONDS, replay
from .lifecycle import state
from .settings import Metric, Plan


def simulate(server: str, users: int, effect: float) -> str:
    """Send users to a server while a test is running, and return a message: `send` with the metric of its plan.

    Raises:
        UserError: no test is running, no server responds, or a request fails.
    """
    running = state()[1]
    if running.stopped is not None:
        raise UserError(f"{running.name} has ended: `poe experiment start` starts another")
    return send(server, users, effect, Plan(**running.plan).metric, [ALIAS])


def send(server: str, users: int, effect: float, metric: Metric, aliases: Sequence[str]) -> str:
    """Send a request for each user, store all outcomes, and return a message.

    Where a version with one of the aliases predicts, the effect is added to the metric.

    Raises:
        UserError: no server responds, a request fails, or the metric is no outcome or value of a user.
    """
    rng = np.random.default_rng()
    if effect and metric not in ("outcome", "value"):
        raise UserError(f"--effect changes an outcome or a value; the {metric} depends on the two models alone")
    rows = read_table(TEST).sample(users, replace=True, random_state=rng, ignore_index=True)
    numbers, first, prefix = kind_of(rows[ENTITY]) == "numbers", int(time.time() * 1000), uuid4().hex[:8]
    rows[ENTITY] = [first + user if numbers else f"{prefix}-{user}" for user in range(users)]
    treated = np.array([answer["variant"] in aliases for answer, _ in replay(Client(server), rows)])
    outcomes = rows[[ENTITY, TARGET, VALUE]].assign(**{TIME: datetime.now(UTC)})
    if effect and metric == "value":
        outcomes[VALUE] = outcomes[VALUE].astype(float) + effect * treated
    elif effect:
        outcomes[TARGET] = _shifted(outcomes[TARGET], treated, effect, rng)
    time.sleep(LOG_SECONDS)
    stored = ingest(outcomes)
    return f"{users:,} users, {int(treated.sum()):,} in the treatment; outcomes: {stored.line()}"


def _shifted(target: pd.Series, treated: np.ndarray, effect: float, rng: np.random.Generator) -> pd.Series:
    """Return outcomes whose mean, or rate of the second class, differs by an effect where they are treated."""
    if target.nunique() > 2 and kind_of(target) == "numbers":
        return target + effect * treated
    source, other = (min, max) if effect > 0 else (max, min)
    changeable = (target == source(target)).to_numpy()
    changed = treated & changeable & (rng.random(len(target)) < abs(effect) / changeable.mean())
    return target.mask(pd.Series(changed, target.index), other(target))
