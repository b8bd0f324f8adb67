"""What a canary release has to do in each case: `poe canary-check` and the real controller are held to the same table."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scenario:
    """A version under test with a fault, and the outcome of its release."""

    name: str
    outcome: Literal["promoted", "aborted"]
    aborted_by: str | None  # a metric of the AnalysisTemplate, or "readiness"
    weights: tuple[int, ...]  # percent of the traffic that the version under test got, one after the other
    errors: float = 0  # share of its requests that fail
    seconds: float = 0  # that each of its predictions takes longer
    shifted: bool = False  # its predictions are far from those of the version in production
    from_weight: int = 0  # percent from which on the fault shows
    ready: bool = True  # it can be loaded
    traffic: bool = True  # there are requests


ALL = (10, 25, 50, 100)
SCENARIOS = [
    Scenario("good", "promoted", None, ALL),  # no request ever failed: the series of errors does not exist
    Scenario("errors", "aborted", "errors", (10,), errors=0.2),
    Scenario("slow", "aborted", "latency", (10,), seconds=0.8),
    Scenario("late fault", "aborted", "errors", (10, 25, 50), errors=0.2, from_weight=50),
    Scenario("shifted predictions", "aborted", "predictions", (10,), shifted=True),
    Scenario("dead", "aborted", "readiness", (), ready=False),  # the progress deadline of the Rollout
    Scenario("no traffic", "promoted", None, ALL, traffic=False),  # no data never fails a release
]
BY_NAME = {one.name: one for one in SCENARIOS}
