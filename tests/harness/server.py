"""A running model server, and clients under load."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness.projects import nobody_listens
from harness.template import Project, clean_environment

PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Answer:
    """The response of a server."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Server:
    """A process that serves the models of a project."""

    project: Project
    process: subprocess.Popen[bytes]
    url: str

    @property
    def log(self) -> str:
        """Return what it has logged."""
        return self.project.text("serve.log")

    def ask(self, path: str, body: Any = None, connection: HTTPConnection | None = None) -> Answer:
        """Request a path, by POST if there is a body."""
        if connection is None:
            with closing(self.connect()) as own:
                return self.ask(path, body, own)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request("GET" if body is None else "POST", path, content)
        with connection.getresponse() as response:
            return Answer(response.status, response.read().decode())

    def connect(self) -> HTTPConnection:
        """Return a connection, which is kept between requests."""
        return HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_SECONDS)

    def ready(self) -> bool:
        """Return whether it reports that it is ready."""
        return self.ask("/v2/health/ready").status == 200

    def stop(self) -> int:
        """Stop it by SIGTERM, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


def eventually(what: str, holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}")


@contextmanager
def serving(project: Project, **variables: str) -> Iterator[Server]:
    """Start a server of a project on a free port, and end it."""
    url = nobody_listens()
    python = project.path / ".venv/bin/python"
    command = [python, "-m", f"{project.answers['package_name']}.serving", "--port", str(urlsplit(url).port)]
    with (project.path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=project.path, env={**clean_environment(), **variables}, stdout=log, stderr=log
        )
        server = Server(project, process, url)
        try:
            eventually(f"a server on {url}", lambda: process.poll() is not None or listens(server))
            assert process.poll() is None, server.log
            yield server
        finally:
            process.kill()
            process.wait()


def listens(server: Server) -> bool:
    """Return whether the server responds."""
    try:
        return server.ask("/v2/health/live").status == 200
    except OSError:
        return False


@contextmanager
def registry_at(address: str, project: Project, folder: Path | None = None) -> Iterator[None]:
    """Run an MLflow server with the registry of a project, or with one of its own in another folder."""
    command = [
        *("mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(urlsplit(address).port)),
    ]
    process = subprocess.Popen(
        [project.path / ".venv/bin/python", "-m", *command],
        cwd=folder or project.path,
        env={**clean_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(f"MLflow at {address}", lambda: process.poll() is not None or responds(f"{address}/health"))
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def exporting(project: Project) -> Iterator[str]:
    """Run the exporter of a project on a free port, and yield its address."""
    url = nobody_listens()
    module = f"{project.answers['package_name']}.monitoring.exporter"
    command = [project.path / ".venv/bin/python", "-m", module, "--port", str(urlsplit(url).port)]
    process = subprocess.Popen(command, cwd=project.path, env=clean_environment())
    try:
        eventually("the exporter", lambda: process.poll() is not None or responds(f"{url}/metrics"))
        assert process.poll() is None, "the exporter has ended"
        yield url
    finally:
        process.kill()
        process.wait()


def fetched(url: str, message: Any = None) -> str:
    """Return the body of a response, to a POST if there is a message."""
    body = None if message is None else json.dumps(message).encode()
    with urlopen(Request(url, body)) as response:
        return response.read().decode()


def responds(url: str) -> bool:
    """Return whether a server responds at a URL, without an error."""
    try:
        fetched(url)
    except OSError:
        return False
    return True


@contextmanager
def in_threads(number: int, work: Callable[[Event], None]) -> Iterator[None]:
    """Run some work in threads until the end of the block, where its event is set."""
    done = Event()
    threads = [Thread(target=work, args=[done]) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


@dataclass
class Crowd:
    """Clients that send one request after another, each on a connection of its own."""

    server: Server
    body: bytes
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def asking(self, clients: int) -> AbstractContextManager[None]:
        """Send requests until the end of the block."""
        return in_threads(clients, self._ask)

    def _ask(self, done: Event) -> None:
        connection = self.server.connect()
        while not done.is_set():
            try:
                self.answers.append(self.server.ask("/predict", self.body, connection))
            except (RemoteDisconnected, OSError) as error:
                self.lost.append(repr(error))
                connection.close()
        connection.close()
