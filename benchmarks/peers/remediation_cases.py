"""Runs in a project of level 3: PACKAGE. Prints the CPU milliseconds of a decision as JSON."""

import json
import sys
import time
from importlib import import_module

PACKAGE = f"{sys.argv[1]}.operations.remediation"
NUMBER, BEFORE, NOW = 2_000, 100, 1_800_000_000.0


def main() -> None:
    """Decide on one alert after another, none of which is acted on yet."""
    settings, decision, store = (import_module(f"{PACKAGE}.{name}") for name in ("settings", "decision", "store"))
    policy = settings.Remediation.load()
    labels = {"alertname": policy.rules[-1].alert, "namespace": "production"}
    alert = decision.Alert(status="firing", labels=labels, fingerprint="f", startsAt=NOW)
    past = [
        store.Remedy(action="rollback", state="verified", decided=NOW - 1, fingerprint=str(number), since=NOW)
        for number in range(BEFORE)
    ]
    started = time.process_time()
    found = {decision.decide(policy, past, False, alert, NOW).reason for _ in range(NUMBER)}
    seconds = time.process_time() - started
    assert found == {"hourly limit"}
    print(json.dumps({"milliseconds": round(seconds / NUMBER * 1000, 3)}))


if __name__ == "__main__":
    main()
