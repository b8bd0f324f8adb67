# Managed by copier-mlops: an update merges with your edits.
"""The run that made the candidate, and its predictions, must be within the budget; writes `reports/cost.json`."""

import os
import time
from typing import Any

import psutil

from ...core.cost import THOUSAND_PREDICTIONS, TRAINING_RUN, Prices, Usage, serving_cost, training_cost
from ...core.inputs import Inputs
from . import Candidate

SHELLS = {"sh", "dash", "bash", "zsh"}


def shortfalls(candidate: Candidate) -> list[str]:
    """Return a line for each limit of `budget` in `config/cost.yaml` that is missed."""
    prices, rows = Prices.load(), Inputs.read().from_table(candidate.test)
    started = time.process_time()
    candidate.model.predict(rows)
    cpu = time.process_time() - started
    predictions = serving_cost(len(rows), cpu, cpu / prices.server.vcpus, prices)  # of a server with no pause
    cost = training_cost(pipeline_usage(), predictions, prices)
    cost.write()
    return prices.exceeded({TRAINING_RUN: cost.charged, THOUSAND_PREDICTIONS: predictions.paid})


def pipeline_usage() -> Usage:
    """Return what this process used, and the stages that DVC ran before it.

    DVC runs stages as its children, one after another, and an operating system adds what a finished child used to its
    parent. A stage that DVC found up to date cost nothing this time. Memory is that of this process.
    """
    process = psutil.Process()
    own: Any = process.cpu_times()
    used, since = own.user + own.system, process.create_time()
    if "DVC_STAGE" in os.environ:
        dvc = next(parent for parent in process.parents() if parent.name() not in SHELLS)
        stages: Any = dvc.cpu_times()
        used, since = used + stages.children_user + stages.children_system, dvc.create_time()
    memory = process.memory_info().rss / 1e9
    return Usage(wall_seconds=time.time() - since, cpu_seconds=used, gigabytes=memory)
