# Managed by copier-mlops: an update merges with your edits.
"""Guardrails: errors and latency from a Prometheus or from one server, and the shift of predictions from the log."""

import json
from collections import defaultdict
from contextlib import suppress
from math import ceil
from typing import NamedTuple

import pandas as pd

from ..core.errors import UserError
from ..core.experiment import ALIAS
from ..core.prometheus import NoPrometheusError, Samples, query, scrape
from .result import Guardrail
from .settings import Limits

MIN_REQUESTS = 100  # of an arm before it is judged
REQUESTS, SECONDS = "inference_requests_total", "inference_request_duration_seconds_bucket"
MEASURED = ("error_ratio", "p99_seconds")  # from there


class Arms(NamedTuple):
    """Two versions that are compared."""

    control: str
    treatment: str
    alias: str = ALIAS  # of the treatment


def increase(source: str, name: str, model: str, seconds: float) -> Samples:
    """Return the increase of a counter with its labels: by a Prometheus, or since a model server started."""
    with suppress(NoPrometheusError):
        return query(source, f"increase({name}{{model={json.dumps(model)}}}[{ceil(seconds)}s])")
    found = scrape(source)
    return [(one.labels, one.value) for one in found if one.name == name and one.labels["model"] == model]


def traffic(source: str, model: str, arms: Arms, seconds: float, treated: bool) -> dict[str, float]:
    """Return the number of requests of an arm, their error ratio and p99. It raises what `increase` does."""
    version = arms.treatment if treated else arms.control
    counts: dict[str, float] = defaultdict(float)  # by the code of the response
    buckets: dict[float, float] = defaultdict(float)
    for name in (REQUESTS, SECONDS):
        for labels, number in increase(source.rstrip("/"), name, model, seconds):
            if (labels["variant"] == arms.alias, labels["version"]) == (treated, version):
                if name == REQUESTS:
                    counts[labels["code"]] += number
                else:
                    buckets[float(labels["le"])] += number
    requests = sum(counts.values())
    failed = sum(number for code, number in counts.items() if code.startswith("5"))
    ratio = failed / requests if requests else 0.0
    return {"requests": requests, "error_ratio": ratio, "p99_seconds": quantile(buckets, 0.99)}


def quantile(buckets: dict[float, float], share: float) -> float:
    """Return a quantile of a histogram of Prometheus as its `histogram_quantile` does; 0 if it is empty."""
    total, below, count = max(buckets.values(), default=0), 0.0, 0.0
    for limit, cumulated in sorted(buckets.items()):
        if total and cumulated >= share * total:
            inside = (share * total - count) / (cumulated - count)
            return below if limit == float("inf") else below + (limit - below) * inside
        below, count = limit, cumulated
    return 0.0


def measure(limits: Limits, source: str, model: str, arms: Arms, seconds: float, rows: pd.DataFrame) -> list[Guardrail]:
    """Return each guardrail that has a limit.

    `source` is the address of a Prometheus or of one model server; the rows of both arms have `treated` and `prediction`.
    """
    problems, found = {}, {}
    if limits.max_error_ratio is not None or limits.max_p99_seconds is not None:
        try:
            found = {each: traffic(source, model, arms, seconds, each) for each in (True, False)}
        except (UserError, OSError, ValueError, KeyError) as error:
            problems = dict.fromkeys(MEASURED, f"metrics_from {source}: {error}")
    values: dict[str, tuple[float, float | None]] = {}  # of treatment and control
    if found and found[True]["requests"] >= MIN_REQUESTS:
        values = {name: (found[True][name], found[False][name]) for name in MEASURED}
    treated, control = (rows.loc[rows["treated"] == each, "prediction"] for each in (True, False))
    if min(len(treated), len(control)) >= MIN_REQUESTS:
        shift = abs(float(treated.mean() - control.mean())) / (float(control.std()) or 1.0)
        values["prediction_shift"] = shift, None
    return [
        Guardrail(
            name=name,
            limit=limit,
            treatment=values[name][0] if name in values else None,
            control=values[name][1] if name in values else None,
            breached=name in values and values[name][0] > limit,
            note="" if name in values else problems.get(name, f"fewer than {MIN_REQUESTS} requests"),
        )
        for name, limit in ((field.removeprefix("max_"), limit) for field, limit in limits)
        if limit is not None
    ]
