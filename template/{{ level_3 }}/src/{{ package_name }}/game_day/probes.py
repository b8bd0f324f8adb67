# Managed by copier-mlops: an update merges with your edits.
"""What experiments look at in the running system: each waits for it, and fails if it does not come."""

import time
from collections.abc import Callable
from typing import TypeVar

from chaoslib.exceptions import ActivityFailed

from ..drills import NotRecoveredError
from ..drills.bad_batch import stored
from ..drills.harness.sandbox import wait
from ..operations.remediation.store import Remedy
from .system import current

CALM_SECONDS = 2  # without a failed request
Found = TypeVar("Found")


def clients_are_served() -> bool:
    """Return whether requests are answered, and none fails for some seconds."""
    clients = current().clients
    requests, failed = clients.requests, clients.failed
    time.sleep(CALM_SECONDS)
    return clients.requests > requests and clients.failed == failed


def no_alert_fires() -> bool:
    """Return True as soon as no alert fires."""
    return _wait(lambda: not current().firing(), "all alerts are resolved")


def alerts_fire(names: list[str]) -> str:
    """Return the names of alerts once all of them fire."""
    _wait(lambda: {*names} <= current().firing(), f"{' and '.join(names)} fire")
    return f"{', '.join(names)} fired"


def alert_is_resolved(name: str) -> str:
    """Return a line about an alert once it no longer fires."""
    _wait(lambda: name not in current().firing(), f"{name} is resolved")
    return f"{name} is resolved"


def remediated(action: str, state: str = "verified", seconds: float = 180) -> str:
    """Return what remediation did, once its action is in a state, and that it did so once."""
    done = _wait(lambda: _remedies(action, state), f"{action} is {state}", seconds)
    if len(done) > 1:
        raise ActivityFailed(f"{action} was {state} {len(done)} times")
    return f"{done[0].title}: {done[0].state}: {done[0].reason}"


def declined(reason: str) -> str:
    """Return what remediation declined for a reason."""
    found = _wait(lambda: [one for one in _remedies("", "declined") if one.reason == reason], f"declined: {reason}")
    return f"{found[0].title}: {found[0].state}: {reason}"


def paged() -> str:
    """Return the last message to a person, once there is one."""
    return _wait(lambda: [text for text in current().pager.messages if "Page: " in text], "a person is paged")[-1]


def batch_refused() -> str:
    """Return why `poe new-data` refuses the poisoned batch."""
    before = stored()
    code, printed = current().copy.attempt("training.new_data", "bad.parquet")
    if code != 1 or stored() != before:
        raise ActivityFailed("rows of the poisoned batch were added")
    return " ".join(printed.split())[:300]


def batch_added() -> str:
    """Return how many rows `poe new-data` adds of the batch as it should be."""
    before = stored()
    current().copy.run("training.new_data", "good.parquet")
    return f"{stored() - before} rows of the batch as it should be were added"


def _remedies(action: str, state: str) -> list[Remedy]:
    found = (one for one in current().store.newest() if one.state == state)
    return [one for one in found if action in ("", one.action)]


def _wait(condition: Callable[[], Found | None], what: str, seconds: float = 180) -> Found:
    try:
        return wait(condition, what, seconds)
    except NotRecoveredError as error:
        raise ActivityFailed(str(error)) from error
