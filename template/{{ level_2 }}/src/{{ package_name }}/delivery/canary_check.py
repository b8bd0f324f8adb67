# Managed by copier-mlops: an update merges with your edits.
"""Tries the canary release of a version on this machine: the steps and limits of the cluster, through a real Envoy.

`poe canary-check` runs a server with the version in production and one with the version under test, sends them the test rows,
and measures the second one by a real Prometheus as `deploy/levels/level-2/canary/analysis.yaml` does.
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from ..core.errors import UserError, exit_on_user_error
from ..core.programs import find, free_port, is_ready, running
from ..core.prometheus import query
from ..monitoring.live_server import LiveServer, started_server
from ..registry.client import CHALLENGER, CHAMPION, Tracking
from .canary_result import PAGE, Measurement, Reached, Result
from .envoy import Envoy, envoy
from .rollout import ANALYSIS, CANARY, STABLE, Metric, Plan, read_plan
from .traffic import Traffic, traffic
from .versions import find_two

SECONDS_PER_STEP, REQUESTS_PER_SECOND = 20.0, 150.0
LEAST_SECONDS = 5.0  # of a step: the range of a query has to hold some scrapes
SCRAPE_SECONDS, SCRAPED_SECONDS = 0.5, 30.0  # interval, and the time until the first one
RELOAD_SECONDS, FAILED_LOADS = 5, 2  # between attempts to load a version, and after how many failed ones it is dead
QUIET_SECONDS = 1.0  # after the last step, in which all responses come from one version
Reaction = Callable[[int, LiveServer], None]  # to a weight that is reached; with the server under test


class AbortedError(Exception):
    """The release is aborted."""

    def __init__(self, by: str, reason: str) -> None:
        super().__init__(reason)
        self.by = by


class Check:
    """A release on this machine, step by step."""

    def __init__(
        self, plan: Plan, result: Result, canary: LiveServer, envoy: Envoy, clients: Traffic, prometheus: str
    ) -> None:
        self._plan, self._result, self._canary = plan, result, canary
        self._envoy, self._traffic, self._prometheus = envoy, clients, prometheus
        self._started = time.monotonic()
        self._before = 0  # requests before the first step
        self._due: dict[str, float] = {}  # when each metric is measured next
        self._failures: Counter[str] = Counter()

    @property
    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 3)

    def run(self, seconds_per_step: float, react: Reaction) -> None:
        """Go through the steps, or return to the version in production as soon as a metric has failed too often."""
        try:
            self._wait_until_ready()
            for number, step in enumerate(self._plan.steps):
                if number == self._plan.first_step:
                    self._due = {one.name: self._seconds + one.delay for one in self._plan.metrics}
                if step.weight is not None:
                    self._set(step.weight)
                    react(step.weight, self._canary)
                if step.pause is not None:
                    self._measure_for(seconds_per_step)
            if self._result.weights[-1:] != [100]:
                self._set(100)
            time.sleep(QUIET_SECONDS)
            self._count()
        except AbortedError as abort:
            self._abort(abort)
        self._result.requests, self._result.requests_failed = self._traffic.requests, self._traffic.failed

    def _wait_until_ready(self) -> None:
        try:
            self._canary.wait(FAILED_LOADS)
        except UserError as error:
            raise AbortedError("readiness", str(error)) from error
        self._started, self._before = time.monotonic(), self._traffic.requests

    def _set(self, weight: int) -> None:
        self._count()
        self._envoy.set_weights(**{STABLE: 100 - weight, CANARY: weight})
        self._result.steps.append(Reached(weight=weight, seconds=self._seconds, requests=0, canary_requests=0))
        print(f"  {weight} % of the requests to version {self._result.canary.version}", flush=True)

    def _count(self) -> None:
        """Record how many requests there were since the weight was set."""
        if steps := self._result.steps:
            requests = self._traffic.requests - self._before - sum(one.requests for one in steps[:-1])
            got = self._envoy.requests().get(CANARY, 0) - sum(one.canary_requests for one in steps[:-1])
            steps[-1] = steps[-1].model_copy(update={"requests": max(requests, got), "canary_requests": got})

    def _measure_for(self, seconds: float) -> None:
        until = self._seconds + seconds
        while (now := self._seconds) < until:
            if self._canary.process.poll() is not None:
                raise AbortedError("readiness", "its server has ended")
            for metric in self._plan.metrics:
                if now >= self._due.get(metric.name, math.inf):
                    self._due[metric.name] = now + metric.interval
                    self._measure(metric)
            time.sleep(0.05)

    def _measure(self, metric: Metric) -> None:
        try:
            value = metric.value(self._prometheus)
        except UserError as error:
            raise UserError(f"{ANALYSIS}: {metric.name}: {error}") from error
        passed = value is None or value <= metric.limit
        self._result.measurements.append(
            Measurement(metric=metric.name, seconds=self._seconds, value=value, limit=metric.limit, passed=passed)
        )
        self._failures[metric.name] += not passed
        if self._failures[metric.name] > metric.failure_limit and not metric.dry_run:
            raise AbortedError(metric.name, f"{value:.3g} is above {metric.limit:g}")

    def _abort(self, abort: AbortedError) -> None:
        """Return to the version in production; as in the cluster, requests that are under way are not cut off."""
        self._count()
        self._result.outcome, self._result.aborted_by, self._result.reason = "aborted", abort.by, str(abort)
        self._result.detected_after_seconds = self._seconds
        self._envoy.set_weights(**{STABLE: 100})
        self._traffic.flush()
        seconds, failed = self._seconds, self._traffic.failed
        time.sleep(QUIET_SECONDS)
        self._result.recovered_after_seconds = seconds if self._traffic.failed == failed else None


def check(
    stable: str = CHAMPION,
    canary: str = CHALLENGER,
    seconds_per_step: float = SECONDS_PER_STEP,
    requests_per_second: float = REQUESTS_PER_SECOND,
    react: Reaction = lambda weight, server: None,
) -> Result:
    """Return the outcome of the release of one version after another, which is not aborted by an error of its own.

    Args:
        stable: alias or number of the version in production.
        canary: of the version under test.
        seconds_per_step: of a pause, however long it is in the cluster.
        requests_per_second: of both versions together.
        react: is called with each weight and the server under test.

    Raises:
        UserError: a version, a program or a setting is missing, both versions are the same, or the one in production
            cannot be served.
    """
    if seconds_per_step < LEAST_SECONDS or requests_per_second < 0:
        raise UserError(f"a step takes {LEAST_SECONDS:g} s or more, and requests per second are not negative")
    plan, program, model = read_plan(seconds_per_step), find("prometheus"), Tracking.load().model
    served, tested = find_two(model, stable, canary)
    result = Result(model=model, stable=served, canary=tested)
    with TemporaryDirectory(prefix="canary-", ignore_cleanup_errors=True) as temporary, ExitStack() as stack:
        variables = {
            "SERVING_MODELS": model,
            "SERVING_RELOAD_SECONDS": str(RELOAD_SECONDS),
            "PREDICTION_LOG_PLACE": f"{temporary}/predictions",
        }
        old = stack.enter_context(started_server(SERVING_ALIASES=result.stable.alias, **variables))
        new = stack.enter_context(started_server(SERVING_ALIASES=result.canary.alias, **variables))
        servers = {STABLE: old.place, CANARY: new.place}
        prometheus = stack.enter_context(_prometheus(program, servers, Path(temporary)))
        proxy = stack.enter_context(envoy(servers))
        old.wait()
        proxy.set_weights(**{STABLE: 100})
        clients = stack.enter_context(traffic(proxy.address, requests_per_second))
        Check(plan, result, new, proxy, clients, prometheus).run(seconds_per_step, react)
    measured = {one.metric for one in result.measurements if one.value is not None}
    result.unmeasured = [one.name for one in plan.metrics if one.name not in measured]
    return result


@contextmanager
def _prometheus(program: str, servers: dict[str, str], folder: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes servers, and labels their series as the ServiceMonitor does; yield its address."""
    targets = [{"targets": [place], "labels": {"rollouts_pod_template_hash": name}} for name, place in servers.items()]
    interval = {"scrape_interval": f"{SCRAPE_SECONDS * 1000:.0f}ms"}
    config = {"global": interval, "scrape_configs": [{"job_name": "model-server", "static_configs": targets}]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    place = f"127.0.0.1:{free_port()}"
    command = [program, "--config.file=prometheus.yaml", "--storage.tsdb.path=tsdb", f"--web.listen-address={place}"]
    with running(command, folder, partial(is_ready, f"http://{place}/-/ready")):
        until = time.monotonic() + SCRAPED_SECONDS
        while len(query(f"http://{place}", "up")) < len(servers) and time.monotonic() < until:
            time.sleep(0.1)
        yield f"http://{place}"


def main() -> None:
    """Check, and exit with code 1 if the version would be aborted or could not be measured."""
    parser = argparse.ArgumentParser(prog="poe canary-check", description="Try a canary release on this machine.")
    help = "number or alias; default: %(default)s"
    parser.add_argument("--stable", default=CHAMPION, metavar="VERSION", help=help)
    parser.add_argument("--canary", default=CHALLENGER, metavar="VERSION", help=help)
    help = "default: %(default)g"
    parser.add_argument("--seconds-per-step", type=float, default=SECONDS_PER_STEP, metavar="SECONDS", help=help)
    parser.add_argument("--requests-per-second", type=float, default=REQUESTS_PER_SECOND, metavar="N", help=help)
    arguments = parser.parse_args()
    with exit_on_user_error("canary-check"):
        result = check(arguments.stable, arguments.canary, arguments.seconds_per_step, arguments.requests_per_second)
        result.write()
        line = f"version {result.canary.version} {result.summary}, see {PAGE}"
        if result.outcome == "aborted" or result.unmeasured:
            raise UserError(line)
        print(line)


if __name__ == "__main__":
    main()
