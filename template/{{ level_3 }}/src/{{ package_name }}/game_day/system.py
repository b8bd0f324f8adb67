# Managed by copier-mlops: an update merges with your edits.
"""The whole system in a copy of the project: registry, two servers behind Envoy, clients, alerts, remediation."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import sqlalchemy as sql
import yaml
from mlflow import MlflowClient

from ..core.environment import environment
from ..core.programs import find, free_port
from ..delivery.envoy import Envoy, envoy
from ..delivery.traffic import Traffic, traffic
from ..drills.harness.alerting import Alerting, alerting, firing
from ..drills.harness.months import DAYS
from ..drills.harness.sandbox import Sandbox, sandbox, wait
from ..drills.registry_down import registry
from ..monitoring.live_server import LiveServer, started_server
from ..operations.remediation.decision import DECLINED
from ..operations.remediation.settings import Remediation
from ..operations.remediation.store import Remedy, Store
from ..registry.client import Tracking, connected

NAMES = ("one", "two")  # of the servers
REQUESTS_PER_SECOND = 20
SCRAPED_SECONDS = 5  # until Prometheus has scraped all
WEEK = 7 * 86_400.0  # seconds, longer than any cool-down
SETTINGS = {
    "GOVERNANCE_COMMITTED": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MONITORING_HISTORY": "1",
    "MONITORING_IN_A_ROW": "1",  # of batches; a second one would only take longer
    "RETRAINING_PROMOTION": "automatic",
    "RETRAINING_WINDOW_DAYS": str(2 * DAYS),  # the months after a drift
}
SLOW = {"ModelServerSlow": 2.0}  # seconds, since other work on this machine delays requests, too
LOG = Path("drill.log")  # of the processes in the copy
IN_CLUSTER = ("scale", "pause_rollout")  # actions that need one; here a rollback takes their place


@dataclass
class System:
    """What experiments act on and look at."""

    copy: Sandbox
    port: int  # of the registry
    registry: ExitStack  # closed while it is down
    address: str  # of the servers, for clients
    servers: Mapping[str, LiveServer]
    alerts: Alerting
    store: Store
    logged: int = 0  # bytes of the copy's log when remediation forgot
    usual: set[str] = field(default_factory=set)  # alerts that fire without a fault
    clients: Traffic = field(init=False)  # of the experiment that runs

    def firing(self) -> set[str]:
        """Return the alerts that a fault has caused."""
        return {*firing(self.alerts.manager)} - self.usual

    def settle(self) -> None:
        """Take the alerts that fire now as usual."""
        time.sleep(SCRAPED_SECONDS)
        self.usual = {*firing(self.alerts.manager)}

    def forget(self) -> None:
        """Date what remediation has done so long ago that it no longer counts."""
        self.logged = LOG.stat().st_size
        with self.store.writing() as session:
            session.execute(sql.update(Remedy).values(decided=Remedy.decided - WEEK))

    def remedies(self) -> list[Remedy]:
        """Return what remediation has decided since it forgot, newest first."""
        return [one for one in self.store.newest() if one.decided > time.time() - WEEK / 2]

    def actions(self) -> list[str]:
        """Return the actions of remediation since it forgot, with their states, without those that were not begun."""
        return [f"{one.action} {one.state}" for one in self.remedies() if one.state not in (DECLINED, "withdrawn")]

    def pages(self) -> list[str]:
        """Return the messages since it forgot that ask a person to act."""
        return re.findall("Page: .*", LOG.read_bytes()[self.logged :].decode(errors="replace"))

    @contextmanager
    def served(self) -> Iterator[Traffic]:
        """Send requests of clients."""
        with traffic(self.address, REQUESTS_PER_SECOND) as self.clients:
            wait(lambda: self.clients.versions, "the first responses")
            yield self.clients


_open: list[System] = []


def current() -> System:
    """Return the running system: experiments begin with `poe game-day`."""
    return _open[-1]


@contextmanager
def running_system(leaves: Sequence[str] = ()) -> Iterator[System]:
    """Run the system until the end of the block; the copy is the current folder meanwhile.

    Args:
        leaves: actions that remediation leaves to others.

    Raises:
        UserError: a program is not installed, or does not start.
    """
    find("prometheus"), find("prometheus-alertmanager", "alertmanager")  # before anything is started
    tracking, remediation, exporter = free_port(), free_port(), free_port()
    with sandbox() as copy, ExitStack() as stack:
        store = Store(f"sqlite:///{Path('data/remediation.db').resolve()}")
        tracked = stack.enter_context(ExitStack())
        tracked.enter_context(registry(tracking))
        variables = {**SETTINGS, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{tracking}"}
        copy.environment |= variables  # of other processes
        stack.enter_context(environment(**variables))
        with connected():
            MlflowClient().set_registered_model_alias(Tracking.load().model, Remediation.load().safe_version, "1")
        places = {name: f"127.0.0.1:{free_port()}" for name in NAMES}
        front = stack.enter_context(envoy(places))
        servers = stack.enter_context(_servers(places, front))
        authorization = {"authorization": {"credentials": (token := secrets.token_hex())}}
        webhook = {"url": f"http://127.0.0.1:{remediation}/alerts", "http_config": authorization}
        stack.enter_context(copy.serving("monitoring.exporter", exporter))
        alerts = stack.enter_context(alerting(f"127.0.0.1:{exporter}", [*places.values()], webhook, SLOW))
        policy = {"REMEDIATION_TOKEN": token, **_policy(store, alerts, leaves)}
        stack.enter_context(copy.serving("operations.remediation", remediation, **policy))
        system = System(copy, tracking, tracked, front.address, servers, alerts, store)
        with system.served():
            system.settle()
        _open.append(system)
        try:
            yield system
        finally:
            _open.pop()


@contextmanager
def _servers(places: Mapping[str, str], front: Envoy) -> Iterator[Mapping[str, LiveServer]]:
    """Run the servers; as a kubelet does, start one that has ended again, and send requests to those that are ready."""
    servers, stopped = dict[str, LiveServer](), Event()

    def run(name: str, place: str) -> None:
        while not stopped.is_set():
            with started_server(int(place.rpartition(":")[2]), SERVING_DRAIN_SECONDS="1") as servers[name]:
                while servers[name].process.poll() is None and not stopped.wait(0.2):
                    pass

    def route() -> None:
        ready = dict[str, int]()
        while not stopped.wait(0.2):
            found = {name: 50 for name, server in [*servers.items()] if server.ready}
            if found != ready:
                front.set_weights(**(ready := found))

    threads = [Thread(target=route), *(Thread(target=run, args=each) for each in places.items())]
    try:
        for thread in threads:
            thread.start()
        wait(lambda: len(front.requests()) == len(places), "the servers are ready")
        yield servers
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _policy(store: Store, alerts: Alerting, leaves: Sequence[str]) -> dict[str, str]:
    """Return the project's policy as variables, without a person who approves, and without actions that need a cluster."""
    rules: list[dict[str, Any]] = yaml.safe_load(Path("config/remediation.yaml").read_text(encoding="utf-8"))["rules"]
    for rule in rules:
        if limit := SLOW.get(rule["alert"]):
            rule["verify"]["at_most"] = limit
        rule |= {"tier": "low", "action": "rollback" if rule["action"] in IN_CLUSTER else rule["action"]}
    return {
        "REMEDIATION_MODE": "act",
        "REMEDIATION_STATE": store.engine.url.render_as_string(),
        "REMEDIATION_PROMETHEUS": f"http://{alerts.prometheus}",
        "REMEDIATION_PAGE_AFTER_SECONDS": "10",
        "REMEDIATION_RULES": json.dumps([rule for rule in rules if rule["action"] not in leaves]),
    }
