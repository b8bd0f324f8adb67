# Managed by copier-mlops: an update merges with your edits.
"""Raises the traffic of a new revision of KServe step by step, as long as nothing is wrong: `poe kserve-canary`.

KServe splits traffic but does not measure. The steps, queries and limits are those of `deploy/levels/level-2/canary/`.
"""

import argparse
import json
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError, exit_on_user_error
from ..registry.client import Tracking
from .rollout import Metric, read_plan, seconds

PROMETHEUS = "http://prometheus-operated.monitoring.svc:9090"
READY_SECONDS = 600  # until the new revision is ready
POLL_SECONDS = 1


@dataclass(frozen=True)
class Service:
    """An InferenceService, by kubectl."""

    namespace: str
    name: str = "model-server"

    def predictor(self) -> dict[str, Any]:
        """Return the status of its predictor: the names of its revisions.

        Raises:
            UserError: kubectl fails.
        """
        found = json.loads(self._kubectl("get", "--output=json"))
        return found.get("status", {}).get("components", {}).get("predictor", {})

    def set_percent(self, percent: int) -> None:
        """Send a percentage of the requests to the newest revision, and the others to the one before."""
        patch = {"spec": {"predictor": {"canaryTrafficPercent": percent}}}
        self._kubectl("patch", "--type=merge", f"--patch={json.dumps(patch)}")
        print(f"  {percent} % of the requests to the new revision", flush=True)

    def _kubectl(self, verb: str, *options: str) -> str:
        command = ["kubectl", f"--namespace={self.namespace}", verb, "inferenceservice", self.name, *options]
        try:
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout
        except FileNotFoundError as error:
            raise UserError("kubectl is not installed") from error
        except subprocess.CalledProcessError as error:
            raise UserError(f"kubectl: {' '.join(error.stderr.split())[:300]}") from error


def release(service: Service, prometheus: str) -> str:
    """Release the newest revision, which has the percentage that is in Git, and return what was done.

    Raises:
        UserError: the release was aborted, and all requests go to the revision before.
    """
    predictor = service.predictor()
    new, old = predictor.get("latestCreatedRevision"), predictor.get("latestRolledoutRevision")
    if not new or not old or new == old:
        return f"there is nothing to release: {new or 'no revision'} is the newest revision, and has all requests"
    plan = read_plan(None, {"canary-hash": new, "stable-hash": old, "namespace": service.namespace})
    try:
        _wait_until_ready(service, new)
        failures: Counter[str] = Counter()
        due = {one.name: time.monotonic() + one.delay for one in plan.metrics}
        for step in plan.steps:
            if step.weight is not None:
                service.set_percent(step.weight)
            until = time.monotonic() + (seconds(step.pause["duration"]) if step.pause else 0)
            while time.monotonic() < until:
                for metric in (one for one in plan.metrics if time.monotonic() >= due[one.name]):
                    due[metric.name] = time.monotonic() + metric.interval
                    _measure(metric, prometheus, failures)
                time.sleep(POLL_SECONDS)
    except (UserError, KeyboardInterrupt) as reason:
        service.set_percent(0)
        raise UserError(f"{new} is aborted, {old} has all requests; revert the release in Git: {reason}") from reason
    service.set_percent(100)
    return f"{new} has all requests, in place of {old}"


def _wait_until_ready(service: Service, revision: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while service.predictor().get("latestReadyRevision") != revision:
        if time.monotonic() > until:
            raise UserError(f"it was not ready within {READY_SECONDS} s")
        time.sleep(POLL_SECONDS)


def _measure(metric: Metric, prometheus: str, failures: Counter[str]) -> None:
    """Measure once: no result is no failure, and a Prometheus that cannot be reached is one.

    Raises:
        UserError: there were too many failures.
    """
    try:
        value = metric.value(prometheus)
        found, failed = ("no data", False) if value is None else (f"{value:.3g}", value > metric.limit)
    except UserError as error:
        found, failed = str(error), True
    print(f"  {metric.name}: {found}, the limit is {metric.limit:g}", flush=True)
    failures[metric.name] += failed
    if failures[metric.name] > metric.failure_limit and not metric.dry_run:
        raise UserError(f"{metric.name}: {found}, the limit is {metric.limit:g}")


def main() -> None:
    """Release the newest revision."""
    parser = argparse.ArgumentParser(prog="poe kserve-canary", description="Release the newest revision of KServe.")
    parser.add_argument("--namespace", help="default: that of production")
    parser.add_argument("--prometheus", default=PROMETHEUS, metavar="URL", help=f"default: {PROMETHEUS}")
    arguments = parser.parse_args()
    with exit_on_user_error("kserve-canary"):
        namespace = arguments.namespace or f"{Tracking.load().model}-production"
        print(release(Service(namespace), arguments.prometheus))


if __name__ == "__main__":
    main()
