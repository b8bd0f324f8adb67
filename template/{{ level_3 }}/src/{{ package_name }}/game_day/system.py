# Managed by copier-mlops: an update merges with your edits.
"""The whole system in a copy of the project: registry, two servers behind Envoy, clients, alerts, remediation, a pager."""

import json
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import yaml
from mlflow import MlflowClient

from ..core.environment import environment
from ..delivery.envoy import Envoy, envoy
from ..delivery.programs import is_ready, running
from ..delivery.traffic import Traffic, traffic
from ..drills.harness.alerting import Alerting, alerting, firing
from ..drills.harness.months import DAYS
from ..drills.harness.sandbox import Sandbox, quiet, sandbox, wait
from ..operations.remediation.settings import Remediation
from ..operations.remediation.store import Store
from ..registry.client import Tracking, connected
from ..training.live_server import LiveServer, free_port, started_server
from .proxy import Proxy, proxy

NAMES = ("one", "two")  # of the servers
REQUESTS_PER_SECOND = 20
SCRAPED_SECONDS = 5  # until Prometheus knows all
SETTINGS = {
    "GOVERNANCE_COMMITTED": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MONITORING_HISTORY": "1",
    "MONITORING_IN_A_ROW": "1",  # of batches; a second one would only take longer
    "RETRAINING_PROMOTION": "automatic",
    "RETRAINING_WINDOW_DAYS": str(2 * DAYS),  # the months after a drift
}
VERIFY_MINUTES = 5  # for an action to help
IN_CLUSTER = ("scale", "pause_rollout")  # actions that need one; here a rollback takes their place


class Pager:
    """The chat that escalations are posted to."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def taken(self) -> list[str]:
        """Return the messages since the last call."""
        found, self.messages[:] = [*self.messages], []
        return found

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Yield the URL of the webhook."""
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


class Pods:
    """The servers: one that has ended is started again on its port, as a kubelet does."""

    def __init__(self) -> None:
        self.servers: dict[str, LiveServer] = {}
        self.restarts = 0
        self._stacks: dict[str, AbstractContextManager[LiveServer]] = {}
        self._stopped = Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the servers, and again whenever one has ended, until the end of the block."""
        thread = Thread(target=self._watch)
        try:
            for name in NAMES:
                self._start(name)
            for server in self.servers.values():
                server.wait()
            thread.start()
            yield
        finally:
            self._stopped.set()
            if thread.ident:
                thread.join()
            for started in self._stacks.values():
                started.__exit__(None, None, None)

    def _start(self, name: str) -> None:
        old = self.servers.get(name)
        started = started_server(int(old.place.rpartition(":")[2]) if old else 0, SERVING_DRAIN_SECONDS="1")
        self.servers[name] = started.__enter__()
        self._stacks[name] = started

    def _watch(self) -> None:
        while not self._stopped.wait(0.2):
            for name, server in list(self.servers.items()):
                if server.process.poll() is not None:
                    self._stacks[name].__exit__(None, None, None)
                    self._start(name)
                    self.restarts += 1


@dataclass
class System:
    """What experiments act on and look at."""

    copy: Sandbox
    registry: Proxy
    pods: Pods
    address: str  # of the servers, for clients
    alerts: Alerting
    pager: Pager
    port: int  # of remediation
    usual: set[str] = field(default_factory=set)  # alerts that fire without a fault
    store: Store = field(init=False)  # of the remediation that runs
    clients: Traffic = field(init=False)  # of the experiment that runs

    def firing(self) -> set[str]:
        """Return the alerts that a fault has caused."""
        return {*firing(self.alerts.manager)} - self.usual

    @contextmanager
    def served(self) -> Iterator[Traffic]:
        """Send requests of clients."""
        with traffic(self.address, REQUESTS_PER_SECOND) as self.clients:
            wait(lambda: self.clients.versions, "the first responses")
            yield self.clients

    @contextmanager
    def remediation(self, name: str, leaves: Sequence[str] = ()) -> Iterator[None]:
        """Run remediation without a memory of what was before, by the project's rules, as fast as a drill needs.

        Args:
            name: of its memory.
            leaves: actions that it leaves to others.
        """
        rules = yaml.safe_load(Path("config/remediation.yaml").read_text(encoding="utf-8"))["rules"]
        rules = [rule for rule in rules if rule["action"] not in leaves]
        for rule in rules:
            rule["tier"] = "low"  # no person takes part
            if rule["action"] in IN_CLUSTER:
                rule["action"] = "rollback"
            if "verify" in rule:
                rule["verify"]["minutes"] = VERIFY_MINUTES
        state = f"sqlite:///{Path(f'data/remediation-{name}.db').resolve()}"
        policy = {
            "REMEDIATION_MODE": "act",
            "REMEDIATION_STATE": state,
            "REMEDIATION_TOKEN_FILE": "token",
            "REMEDIATION_PROMETHEUS": f"http://{self.alerts.prometheus}",
            "REMEDIATION_RULES": json.dumps(rules),
        }
        with _process(self.copy, self.port, "operations.remediation", **policy):
            self.store = Store(state)
            self.pager.taken()
            yield


_open: list[System] = []


def current() -> System:
    """Return the running system: experiments begin with `poe game-day`."""
    return _open[-1]


@contextmanager
def running_system() -> Iterator[System]:
    """Run the system until the end of the block; the copy is the current folder meanwhile.

    Raises:
        UserError: a program is not installed, or does not start.
    """
    remediation, exporter, token = free_port(), free_port(), secrets.token_hex()
    pods, pager = Pods(), Pager()
    with sandbox() as copy, ExitStack() as stack:
        with quiet():
            copy.run("", "register")
            with connected():
                MlflowClient().set_registered_model_alias(Tracking.load().model, Remediation.load().safe_version, "1")
            copy.run("registry.promotion", "promote", "--version", "challenger", "--approved-by", "drill", **SETTINGS)
        Path("token").write_text(token, encoding="utf-8")
        Path("token").chmod(0o600)
        registry = stack.enter_context(_registry())
        url = f"http://127.0.0.1:{registry.port}"
        chat = stack.enter_context(pager.listening())
        variables = {**SETTINGS, "MLFLOW_TRACKING_URI": url, "NOTIFY_WEBHOOK_URL": chat}
        copy.environment |= variables  # of other processes
        stack.enter_context(environment(**variables))
        stack.enter_context(pods.running())
        places = {name: server.place for name, server in pods.servers.items()}
        front: Envoy = stack.enter_context(envoy(places))
        front.set_weights(**dict.fromkeys(places, 50))
        webhook = {
            "url": f"http://127.0.0.1:{remediation}/alerts",
            "http_config": {"authorization": {"credentials_file": str(Path("token").resolve())}},
        }
        stack.enter_context(_process(copy, exporter, "monitoring.exporter"))
        alerts = stack.enter_context(alerting(f"127.0.0.1:{exporter}", [*places.values()], webhook))
        system = System(copy, registry, pods, front.address, alerts, pager, remediation)
        with system.served():
            time.sleep(SCRAPED_SECONDS)
            system.usual = system.firing()
        _open.append(system)
        try:
            yield system
        finally:
            _open.pop()


@contextmanager
def _process(copy: Sandbox, port: int, module: str, **variables: str) -> Iterator[None]:
    """Run a service of the copy until the end of the block."""
    process = copy.start(module, "--port", str(port), **variables)
    try:
        wait(lambda: is_ready(f"http://127.0.0.1:{port}/metrics") or process.poll(), module)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def _registry() -> Iterator[Proxy]:
    """Run an MLflow server on the registry in this folder, and yield the proxy through which all others reach it."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--workers", "1"]
    ready = partial(is_ready, f"http://127.0.0.1:{port}/health")
    with running([*command, "--port", str(port)], Path(), ready, group=True), proxy(port) as found:
        yield found
