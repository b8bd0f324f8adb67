# Managed by copier-mlops: an update merges with your edits.
"""An A/B test whose treatment predicts far too much: the guardrail stops it, and all users get the champion again."""

import time
from typing import Any

from ..core.experiment import ALIAS
from ..monitoring.live_server import live_server
from . import Evidence
from .harness.faults import register
from .harness.months import next_rows
from .harness.sandbox import quiet, sandbox, wait

POLICY = {"GOVERNANCE_COMMITTED": "false", "EXPERIMENT_GUARDRAILS": '{"max_prediction_shift": 0.5}'}


def main() -> Evidence:
    """Start a test of a version whose predictions are far from the champion's, with users, and watch it."""
    with sandbox() as copy, live_server() as server:
        with quiet():
            version = register(shifted=True)
        variables = {**POLICY, "EXPERIMENT_METRICS_FROM": server.address}
        copy.run("experiments", "start", "--version", version, "--approved-by", "drill", **variables)
        rows = next_rows()

        def variants() -> list[Any]:
            return [(answer or {}).get("variant") for answer in server.send(rows)]

        def stopped() -> str:
            variants()  # by which the guardrail judges
            return next((line for line in copy.log().splitlines() if " is stopped: " in line), "")

        wait(lambda: ALIAS in variants(), "the treatment is served")
        started, watch = time.monotonic(), ("--act", "--every", "1")
        watching = copy.start("experiments", "report", *watch, **variables)
        try:
            decision = wait(stopped, "the guardrail stops the test")
            detected = time.monotonic() - started
            wait(lambda: ALIAS not in variants(), "the champion is served to all")
            recovered = time.monotonic() - started
            ended = watching.wait(60) == 0
        finally:
            watching.kill()
    return Evidence(
        fault=f"an A/B test of version {version}, which predicts far more than the champion",
        detected_after_seconds=detected,
        decision=decision,
        action="the test was stopped, and the alias of the treatment removed",
        recovered_after_seconds=recovered,
        requests=server.requests,
        requests_failed=server.failed,
        recovered=ended and server.failed == 0,
    )
