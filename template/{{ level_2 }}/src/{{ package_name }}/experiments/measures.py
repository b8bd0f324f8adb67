# Managed by copier-mlops: an update merges with your edits.
"""The metric of an A/B test: of labeled predictions, and of the entities that took part."""

from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd

from ..core.errors import UserError
from ..core.experiment import ALIAS, Running
from ..core.io import read_table
from ..core.paths import TEST
from ..core.prediction_log import FEATURE
from ..modeling.data import VALUE
from ..monitoring import reference
from ..monitoring.labels import JOIN, labeled, stored
from ..monitoring.performance import Truth, as_prediction
from ..monitoring.prediction_log import Window, query, quoted
from ..monitoring.settings import Monitoring
from ..pipeline.comparison import losses
from .settings import Metric
from .statistics import MIN_ENTITIES

# The first prediction of each entity since the treatment was served, and its outcome.
EXPOSED = f"""
    with exposed as (
        select entity, time, request_id, row, variant = $3 as treated, prediction, output, target, value,
            {{covariate}}::double as covariate
        from ({JOIN}) where entity is not null
            and (variant = $3 and version = $4 or variant <> $3 and version = $5)
    ),
    since as (
        select exposed.*, bool_or(treated) over each_entity <> bool_and(treated) over each_entity as switched
        from exposed where time >= (select min(time) from exposed where treated)
        window each_entity as (partition by entity)
    )
    select * from since qualify row_number() over (partition by entity order by time, request_id, row) = 1 order by time
"""
OTHERS = """
    select count(*) filter (entity is null) as without_entity,
        count(*) filter (version not in ($2, $3)) as other_versions
    from predictions where model = $1
"""


def measure(metric: Metric, truth: Truth) -> np.ndarray:
    """Return the metric of each row.

    Raises:
        UserError: there are more than two classes, and the metric is the outcome.
    """
    target, prediction = truth.target, truth.prediction
    if metric == "value":
        return truth.value.to_numpy(float)
    if isinstance(prediction, pd.Series):
        found = {"outcome": target, "error": (target - prediction).abs(), "loss": (target - prediction) ** 2}
        return found[metric].to_numpy(float)
    if metric == "error":
        return (prediction.idxmax(axis=1) != target).to_numpy(float)
    if metric == "loss":
        return losses(target, prediction)
    if (count := prediction.shape[1]) > 2:
        raise UserError(f"metric: an outcome is a number or one of two classes, there are {count}: use error")
    return (target == prediction.columns[-1]).to_numpy(float)


def baseline(metric: Metric, model: str, version: str, now: datetime) -> tuple[np.ndarray, str]:
    """Return the metric of a version, and of which rows: its labeled predictions, or its test rows if those are too few."""
    known, settings = reference.load(model, version), Monitoring.load()
    end = now - settings.label_delay
    rows = labeled(end - timedelta(hours=settings.label_window_hours), end, version, settings.sample_rows)
    if rows["target"].notna().sum() >= MIN_ENTITIES:
        truth, source = Truth.of(rows, known), "labeled predictions"
    else:
        worth = read_table(TEST, [VALUE])[VALUE] if metric == "value" else pd.Series(dtype=float)
        target = known.target.reset_index(drop=True)
        truth = Truth(target, as_prediction(known.output, known.classes), worth, pd.DataFrame())
        source = "test rows"
    found = measure(metric, truth)
    return found, f"{len(found):,} {source}"


def exposed(running: Running, model: str, now: datetime, covariate: str | None) -> pd.DataFrame:
    """Return a row for each entity that took part, in the order of time.

    Its columns are `entity`, `time`, `treated`, `switched` (both versions predicted for it), `prediction`, `due`,
    `measured`, `covariate`, and what the metric needs.
    """
    settings, window = Monitoring.load(), Window(running.started, running.stopped or now)
    accepted = timedelta(hours=settings.label_window_hours)
    labels = stored(window._replace(end=window.end + accepted))
    parameters = (model, accepted.total_seconds(), ALIAS, running.treatment, running.control)
    try:
        rows = query(EXPOSED.format(covariate=quoted(f"{FEATURE}{covariate}")), window, parameters, labels=labels)
    except duckdb.BinderException:  # the log is empty, or leaves it out
        rows = query(EXPOSED.format(covariate="null"), window, parameters, labels=labels)
    rows["due"] = rows["time"] <= pd.Timestamp(now - settings.label_delay)
    rows["measured"] = rows["due"] & rows["target"].notna() & ~rows["switched"].astype(bool)
    return rows


def others(running: Running, model: str, now: datetime) -> tuple[int, int]:
    """Return how many requests named no entity, and how many another version answered."""
    found = query(OTHERS, Window(running.started, running.stopped or now), (model, running.treatment, running.control))
    return int(found["without_entity"][0]), int(found["other_versions"][0])


def measured(rows: pd.DataFrame, metric: Metric, model: str, running: Running) -> pd.DataFrame:
    """Return those of `exposed` whose outcome is known, with the column `metric`."""
    found = rows[rows["measured"]].reset_index(drop=True)
    for treated, version in ((False, running.control), (True, running.treatment)):
        chosen = found["treated"] == treated
        if chosen.any():
            found.loc[chosen, "metric"] = measure(metric, Truth.of(found[chosen], reference.load(model, version)))
    return found
