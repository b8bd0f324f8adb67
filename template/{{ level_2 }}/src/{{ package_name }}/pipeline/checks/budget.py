# Managed by copier-mlops: an update merges with your edits.
"""The run that made the candidate must be within its budget; writes what it cost to `reports/cost.json`."""

from ...core.cost import TRAINING_RUN, Prices, over_budget, pipeline_usage, training_cost
from . import Candidate


def shortfalls(_: Candidate) -> list[str]:
    """Return one line if the run cost more than `budget` in `config/cost.yaml` allows."""
    prices = Prices.load()
    cost = training_cost(pipeline_usage(), prices)
    cost.write()
    problem = over_budget(TRAINING_RUN, cost.charged, prices)
    return [problem] if problem else []
