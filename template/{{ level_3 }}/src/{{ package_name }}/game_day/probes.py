# Managed by copier-mlops: an update merges with your edits.
"""What experiments look at in the running system: each waits for it, and fails if it does not come."""

import time
from collections.abc import Callable

from ..drills import NotRecoveredError
from ..drills.bad_batch import stored
from ..drills.harness.sandbox import wait
from ..operations.remediation.decision import DECLINED
from .system import current

CALM_SECONDS = 1  # without a failed request
SECONDS = 300  # to wait; an experiment has objectives of its own


def clients_are_served() -> bool:
    """Return whether requests are answered, and none fails for some seconds."""
    clients = current().clients
    requests, failed = clients.requests, clients.failed
    time.sleep(CALM_SECONDS)
    return clients.requests > requests and clients.failed == failed


def no_alert_fires() -> str:
    """Return a line once no alert fires."""
    wait(lambda: not current().firing(), "all alerts are resolved", SECONDS)
    return "no alert fires"


def alerts_fire(names: list[str]) -> str:
    """Return the names of alerts once all of them fire."""
    wait(lambda: {*names} <= current().firing(), f"{' and '.join(names)} fire", SECONDS)
    return f"{', '.join(names)} fired"


def remediated(action: str, state: str = "verified") -> str:
    """Return what remediation did, once its action is in a state."""
    return _remedy(lambda name, found, _: (name, found) == (action, state), f"{action} is {state}")


def declined(reason: str) -> str:
    """Return what remediation declined for a reason, once it did."""
    return _remedy(lambda _, found, why: (found, why) == (DECLINED, reason), f"declined: {reason}")


def paged() -> str:
    """Return the last message to a person, once there is one."""
    return wait(current().pages, "a person is paged", SECONDS)[-1]


def batch_refused() -> str:
    """Return why `poe new-data` refuses the poisoned batch."""
    before = stored()
    code, printed = current().copy.attempt("training.new_data", "bad.parquet")
    if code != 1 or stored() != before:
        raise NotRecoveredError("rows of the poisoned batch were added")
    return " ".join(printed.split())[:300]


def batch_added() -> str:
    """Return how many rows `poe new-data` adds of the batch as it should be."""
    before = stored()
    current().copy.run("training.new_data", "good.parquet")
    return f"{stored() - before} rows of the batch as it should be were added"


def _remedy(fits: Callable[[str, str, str], bool], what: str) -> str:
    """Return a line about the newest decision whose action, state and reason fit, once there is one."""
    remedies = current().remedies
    found = wait(lambda: [one for one in remedies() if fits(one.action, one.state, one.reason)], what, SECONDS)[0]
    return f"{found.title}: {found.state}: {found.reason}"
