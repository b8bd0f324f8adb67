# Managed by copier-mlops: an update merges with your edits.
"""The release of a version with a fault, as `poe canary-check` tries it."""

from typing import Any

from ...delivery.canary_check import Reaction, check
from .. import Evidence
from .faults import register
from .sandbox import quiet, sandbox


def release(fault: str, expected: str, react: Reaction = lambda weight, server: None, **planted: Any) -> Evidence:
    """Register the model with a fault of `Faulty`, release it, and see whether all requests go back to the one in production.

    What has to abort the release is a metric or "readiness".
    """
    with sandbox():
        with quiet():
            version = register(**planted)
        result = check(react=react)
    recovered = result.aborted_by == expected and result.recovered_after_seconds is not None
    return Evidence(
        fault=f"version {version} {fault}",
        detected_after_seconds=result.detected_after_seconds,
        decision=f"version {version} {result.summary}",
        action=f"all requests go to version {result.stable.version} again" if recovered else "none that helps",
        recovered_after_seconds=result.recovered_after_seconds,
        requests=result.requests,
        requests_failed=result.requests_failed,
        recovered=recovered,
    )
