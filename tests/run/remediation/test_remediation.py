"""From an alert to a champion that is rolled back, verified or undone, with a real Prometheus, Alertmanager and Git."""

import json
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import yaml
from filelock import FileLock
from harness.projects import nobody_listens
from harness.server import background, eventually, responds
from harness.stub import served
from harness.template import Project, clean_environment

OVERLAY = "deploy/overlays/production/image/kustomization.yaml"
TOKEN = "a token of the test"
LIMIT, SECONDS = 0.05, 24  # of the errors, and to verify an action
RULE = {"action": "rollback", "tier": "low", "cool_down_minutes": 0.001}
RULES = [
    {"alert": "Posted", **RULE, "verify": {"minutes": 60}},
    {"alert": "Errors", **RULE, "verify": {"minutes": SECONDS / 60, "query": "max(errors)", "at_most": LIMIT}},
]
POLICY = {"REMEDIATION_MODE": "act", "REMEDIATION_GIT_PUSH": "true", "REMEDIATION_RULES": json.dumps(RULES)}
REGISTER = """
from mlflow import MlflowClient
from {package}.registry.client import connected
with connected():
    client = MlflowClient()
    client.create_registered_model("{model}")
    for _ in range(2):
        client.create_model_version("{model}", "unused", tags={{"validation_status": "passed", "author": "Ada"}})
"""
PROMOTE = """
from mlflow import MlflowClient
from {package}.registry import moves
from {package}.registry.client import connected
with connected():
    client = MlflowClient()
    client.set_registered_model_alias("{model}", "champion", "2")
    client.set_registered_model_tag("{model}", "previous_champion", "1")
    moves.follow(client, "{model}", "2")
"""  # without the checks of `poe promote`: there is no model in these versions


@dataclass
class Production:
    """What runs: the version in Git has its share of errors; what a person is notified of is kept."""

    origin: Path
    errors: dict[str, float] = field(default_factory=lambda: {"1": 0.0, "2": 0.5})
    notified: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def version(self) -> str:
        """Return the version that the cluster serves."""
        command = ["git", "show", f"HEAD:{OVERLAY}"]
        text = subprocess.run(command, cwd=self.origin, check=True, capture_output=True, text=True).stdout
        return re.findall(r"SERVING_ALIASES=release-(\d+)", text)[0]

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve the metric, and receive notifications."""
        production = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(f"errors {production.errors[production.version]}\n")

            def do_POST(self) -> None:
                production.notified.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.answer("")

            def answer(self, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(text.encode())

        with served(Handler) as address:
            yield address.removeprefix("http://")


@dataclass
class Remediation:
    """The service, in a clone of the project."""

    python: Path
    names: dict[str, str]  # of package and model
    clone: Path
    variables: dict[str, str]
    url: str = field(default_factory=nobody_listens)
    process: subprocess.Popen[bytes] | None = None

    def run(self, code: str) -> None:
        """Run Python code in the clone."""
        environment, command = {**clean_environment(), **self.variables}, [self.python, "-c", code]
        done = subprocess.run(command, cwd=self.clone, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it."""
        command = [
            self.python,
            "-m",
            f"{self.names['package']}.operations.remediation",
            "--port",
            str(urlsplit(self.url).port),
        ]
        environment = {**clean_environment(), **self.variables}
        with (self.clone / "remediate.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.clone, env=environment, stdout=log, stderr=log)
        eventually("the service", lambda: responds(f"{self.url}/healthz"))

    def kill(self) -> None:
        """Kill it."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def post(self, content: Any, token: str = TOKEN) -> tuple[int, str]:
        """Send a message as Alertmanager does; return status and text of the answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        try:
            with urlopen(Request(f"{self.url}/alerts", body, {"Authorization": f"Bearer {token}"})) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def states(self) -> list[tuple[str, str]]:
        """Return alert and state of each decision, the oldest first."""
        with sqlite3.connect(self.clone / "data/remediation/state.db") as database:
            return database.execute(
                "SELECT alert, state FROM remediation WHERE state != 'declined' ORDER BY id"
            ).fetchall()

    def moves(self) -> list[str]:
        """Return the versions to which the audit log has completed rollbacks."""
        with sqlite3.connect(self.clone / "audit.db") as database:
            found = database.execute("SELECT version FROM audit_log WHERE event = 'rollback done' ORDER BY id")
            return [version for (version,) in found]

    def git(self, *arguments: str) -> None:
        """Run Git in the clone."""
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=self.clone, check=True, capture_output=True)


IN_DATABASE = """
import sys, time
from threading import Thread
from {package}.operations.remediation.decision import Alert
from {package}.operations.remediation.settings import Remediation
from {package}.operations.remediation.store import Store
policy, store = Remediation.load(), Store(sys.argv[1])
alerts = [
    Alert(status="firing", labels={{"alertname": "Posted"}}, fingerprint=f"f{{number}}", startsAt=time.time())
    for number in range(8)
]
threads = [Thread(target=store.receive, args=(policy, alerts[number:], time.time())) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with store.alone():
    print(sorted((one.state, one.reason) for one in store.newest()))
"""


@pytest.fixture
def production(installed: Callable[..., Project], tmp_path: Path) -> Iterator[tuple[Production, Remediation]]:
    """Return production with version 2 as the champion, after 1, and the service beside it, not started."""
    project = installed(maturity_level=3)
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    names = {"package": project.answers["package_name"], "model": project.answers["project_slug"]}
    project.run("git", "clone", "--quiet", "--bare", project.path, origin)
    project.run("git", "clone", "--quiet", origin, clone)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    running = Production(origin)
    with running.running() as address:
        variables = {"REMEDIATION_TOKEN_FILE": str(tmp_path / "token"), "NOTIFY_WEBHOOK_URL": f"http://{address}"}
        variables |= {"REMEDIATION_PROMETHEUS": nobody_listens(), "GOVERNANCE_COMMITTED": "false", **POLICY}
        service = Remediation(project.path / ".venv/bin/python", names, clone, variables)
        service.run(REGISTER.format(**names))
        promote(service)
        running.address = address
        try:
            yield running, service
        finally:
            service.kill()


def posted(status: str = "firing") -> dict[str, Any]:
    """Return a message of Alertmanager."""
    labels = {"alertname": "Posted", "namespace": "production"}
    one = {"status": status, "labels": labels, "startsAt": "2026-01-01T00:00:00.123456789Z", "fingerprint": "f"}
    return {"version": "4", "status": status, "alerts": [one], "groupKey": "{}", "truncatedAlerts": 0}


def test_loop_is_closed_and_what_makes_it_worse_is_undone(production, tmp_path: Path, tool: Callable[[str], str]):
    programs = tool("prometheus"), tool("prometheus-alertmanager")
    running, service = production
    service.start()
    assert service.post(posted(), "wrong") == (401, "the token is wrong or missing\n")
    assert service.post(b"{")[0] == 400
    assert service.post(b" " * 1_000_001)[0] == 413
    assert service.states() == []

    with FileLock(service.clone / "audit.db.lock"):  # so that it cannot go on
        assert service.post(posted()) == (200, "1 new\n")
        assert service.post(posted()) == (200, "0 new\n")
        service.kill()
    assert service.states() == [("Posted", "pending")]
    service.start()
    eventually("the action", lambda: service.states() == [("Posted", "verifying")])
    assert running.version == "1"
    assert service.post(posted("resolved"))[0] == 200
    eventually("its verification", lambda: service.states() == [("Posted", "verified")])
    assert service.moves() == ["1"]
    service.kill()

    with alerting(service, running, tmp_path, programs):
        promote(service)
        eventually("the second action", lambda: service.states()[1:] == [("Errors", "verified")])
        assert running.version == "1"
        promote(service)
        running.errors["1"] = 0.9
        eventually("the undoing", lambda: service.states()[2:] == [("Errors", "undone")])
    assert running.version == "2"
    assert service.moves() == ["1", "1", "1", "2"]
    assert any("Page: remediation" in text and "made it worse" in text for text in running.notified)


def test_alerts_that_arrive_at_once_are_decided_on_one_after_another(
    installed: Callable[..., Project], tmp_path: Path, postgresql: str
):
    project = installed(maturity_level=3)
    script = IN_DATABASE.format(package=project.answers["package_name"])
    for url in (postgresql, f"sqlite:///{tmp_path}/state.db"):
        printed = project.run(project.path / ".venv/bin/python", "-c", script, url, **POLICY).stdout
        assert printed.count("pending") == 1, url
        assert printed.count("cool-down") == 7, url


def promote(service: Remediation) -> None:
    """Make version 2 the champion, for the cluster to follow."""
    service.run(PROMOTE.format(**service.names))
    service.git("commit", "--quiet", "--all", "--message", "Promote")
    service.git("push", "--quiet")


@contextmanager
def alerting(service: Remediation, running: Production, tmp_path: Path, programs: tuple[str, str]) -> Iterator[None]:
    """Run Prometheus, and Alertmanager as the project's example configures it, and start the service."""
    prometheus, manager = (urlsplit(nobody_listens()).netloc for _ in range(2))
    example = yaml.safe_load((service.clone / "monitoring/alertmanager/remediation.yaml").read_text())
    example["route"]["routes"][0]["group_interval"] = "1s"
    (webhook,) = example["receivers"][0]["webhook_configs"]
    webhook["url"] = f"{service.url}/alerts"
    webhook["http_config"]["authorization"]["credentials_file"] = str(tmp_path / "token")
    rule = {"alert": "Errors", "expr": f"errors > {LIMIT}", "labels": {"namespace": "production"}}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "server", "static_configs": [{"targets": [running.address]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager]}]}]},
    }
    files = {"rules.yaml": {"groups": [{"name": "errors", "rules": [rule]}]}, "prometheus.yaml": config}
    for name, content in {**files, "alertmanager.yaml": example}.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))
    listen = "--web.listen-address="
    quick = ["--storage.tsdb.path=tsdb", "--rules.alert.resend-delay=1s"]
    alone = ["--storage.path=alerts", "--cluster.listen-address="]
    commands = [
        [programs[0], "--config.file=prometheus.yaml", f"{listen}{prometheus}", *quick],
        [programs[1], "--config.file=alertmanager.yaml", f"{listen}{manager}", *alone],
    ]
    service.variables["REMEDIATION_PROMETHEUS"] = f"http://{prometheus}"
    service.start()
    with ExitStack() as stack:
        for command in commands:
            stack.enter_context(background(command, cwd=tmp_path))
        for address in (prometheus, manager):
            eventually(address, lambda address=address: responds(f"http://{address}/-/ready"))
        yield


def test_task_lists_what_waits_for_a_person(autonomous: Project):
    assert "nothing waits" in autonomous.process("remediate", "approve").stdout
