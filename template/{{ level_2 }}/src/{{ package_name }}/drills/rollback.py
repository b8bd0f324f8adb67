# Managed by copier-mlops: an update merges with your edits.
"""A promoted version is rolled back: seconds from the command until all responses are the old version's, and none is lost."""

import re
import time
from collections import Counter
from contextlib import ExitStack

from ..delivery.envoy import envoy
from ..delivery.traffic import traffic
from ..monitoring.live_server import live_server
from ..registry.moves.release import SETTING, overlay
from . import Evidence
from .harness.sandbox import sandbox

REQUESTS_PER_SECOND = 50
QUIET_SECONDS = 1


def main() -> Evidence:
    """Promote a version, roll back, and replace the server by one of the alias in the overlay, as a cluster does."""
    with sandbox() as copy:
        copy.run("", "register")
        promoted = ["promote", "--version", "challenger", "--approved-by", "drill"]
        copy.run("registry.promotion", *promoted, GOVERNANCE_COMMITTED="false")
        new = _alias()
        servers: dict[str, str] = {}
        with ExitStack() as pods, envoy(servers) as proxy:
            servers["new"] = pods.enter_context(live_server(SERVING_ALIASES=new)).place
            proxy.set_weights(new=100)
            with traffic(proxy.address, REQUESTS_PER_SECOND) as clients:
                started = time.monotonic()
                copy.run("registry.promotion", "rollback", "--approved-by", "drill")
                commanded, old = time.monotonic() - started, _alias()
                servers["old"] = pods.enter_context(live_server(SERVING_ALIASES=old)).place
                proxy.set_weights(old=100)
                clients.flush()
                seconds, before = time.monotonic() - started, Counter(clients.versions)
                time.sleep(QUIET_SECONDS)
                later = clients.versions - before
    expected = [f"release-{version}" in re.split("[,@]", old) for version in later] == [True]
    recovered = expected and old != new and clients.failed == 0
    return Evidence(
        fault=f"{new} serves all requests, and is to be replaced at once",
        detected_after_seconds=commanded,
        decision=f"`poe rollback` wrote {old} to the overlay",
        action=f"a server of {old} took the place of the one of {new}",
        recovered_after_seconds=seconds if recovered else None,
        requests=clients.requests,
        requests_failed=clients.failed,
        recovered=recovered,
    )


def _alias() -> str:
    """Return the alias that the environment serves."""
    found = SETTING.search(overlay().read_text(encoding="utf-8"))
    return found[0] if found else ""
