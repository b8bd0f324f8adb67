"""A running model server, and clients under load."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness.projects import nobody_listens
from harness.template import Project, clean_environment

PATIENCE_SECONDS = 240
PAUSE_SECONDS = 0.002  # of a client between two requests, so that one whose requests fail takes no core


@dataclass(frozen=True)
class Answer:
    """The response of a server."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case

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

    def ask(
        self,
        path: str,
        body: Any = None,
        connection: HTTPConnection | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Request a path, by POST if there is a body."""
        if connection is None:
            with closing(self.connect()) as own:
                return self.ask(path, body, own, headers)
        return answer(connection, path, body, headers)

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


def answer(
    connection: HTTPConnection, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = ""
) -> Answer:
    """Send a request, by POST if there is a body, and return the response."""
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, content, headers or {})
    with connection.getresponse() as response:
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, response.read().decode(), found)


def eventually(what: str, holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}")


@contextmanager
def background(
    command: Iterable[object], log: Path | None = None, stop: signal.Signals = signal.SIGKILL, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block, and stop it then with its process group; `poe` needs SIGTERM for its tasks."""
    with (log or Path(os.devnull)).open("wb") as printed:
        streams: dict[str, Any] = {"stdout": printed, "stderr": printed, **options}
        process: subprocess.Popen[bytes] = subprocess.Popen(list(map(str, command)), start_new_session=True, **streams)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, stop)
        process.wait()
        with suppress(ProcessLookupError):  # a scheduler of Airflow may ignore what its parent obeys
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def serving(project: Project, python: Iterable[str | Path] = (), **variables: str) -> Iterator[Server]:
    """Start a server of a project on a free port, by its own Python or another one, and end it."""
    url = nobody_listens()
    module = f"{project.answers['package_name']}.serving"
    command = [*(python or [project.path / ".venv/bin/python"]), "-m", module, "--port", urlsplit(url).port]
    environment = {**clean_environment(), **variables}
    with background(command, project.path / "serve.log", cwd=project.path, env=environment) as process:
        server = Server(project, process, url)
        eventually(f"a server on {url}", lambda: process.poll() is not None or listens(server))
        assert process.poll() is None, server.log
        yield server


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
    variables = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    where = {"cwd": folder or project.path, "env": {**clean_environment(), **variables}}
    with background([project.path / ".venv/bin/python", "-m", *command], **where) as process:
        eventually(f"MLflow at {address}", lambda: process.poll() is not None or responds(f"{address}/health"))
        assert process.poll() is None, "MLflow has ended"
        yield


@contextmanager
def exporting(project: Project) -> Iterator[str]:
    """Run the exporter of a project on a free port, and yield its address."""
    url = nobody_listens()
    module = f"{project.answers['package_name']}.monitoring.exporter"
    command = [project.path / ".venv/bin/python", "-m", module, "--port", urlsplit(url).port]
    log = project.path / "exporter.log"
    with background(command, log, cwd=project.path, env=clean_environment()) as process:
        eventually("the exporter", lambda: process.poll() is not None or responds(f"{url}/metrics"))
        assert process.poll() is None, log.read_text()
        yield url


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


def socket_listens(address: str) -> bool:
    """Return whether a process listens at an address."""
    host, _, port = address.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


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
    """Clients that send one request after another, each by a connection that it keeps."""

    server: Server
    body: bytes
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def asking(self, clients: int) -> AbstractContextManager[None]:
        """Send requests until the end of the block."""
        return in_threads(clients, self._ask)

    def _ask(self, done: Event) -> None:
        connection = self.server.connect()
        while not done.wait(PAUSE_SECONDS):
            try:
                self.answers.append(self.server.ask("/predict", self.body, connection))
            except (HTTPException, OSError) as error:
                self.lost.append(repr(error))
                connection.close()
        connection.close()
