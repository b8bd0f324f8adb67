# Managed by copier-mlops: an update merges with your edits.
"""Flower's processes: SuperLink, a gateway and runs at the coordinator, a SuperNode at each site.

They run in the environment of `federated/`, without telemetry, update checks, and installation at run time.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.io import write_text
from .keys import CERTIFICATE, SERVER_KEY
from .plan import Federated, Plan

PROJECT = Path("federated")
QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "PYTHONWARNINGS": "ignore"}
START_SECONDS = 120


class Flower:
    """Starts programs of Flower with logs in a folder, and ends them all."""

    def __init__(self, folder: Path) -> None:
        """Install what is missing.

        Raises:
            UserError: uv is missing, or cannot install.
        """
        if not shutil.which("uv"):
            raise UserError("uv is not on PATH: it installs Flower, see https://docs.astral.sh/uv")
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        command = ["uv", "sync", "--quiet", "--project", str(PROJECT)]
        installing = {**environment, "UV_PROJECT_ENVIRONMENT": ".venv"}
        if subprocess.run(command, env=installing, check=False).returncode:
            raise UserError(f"uv cannot install {PROJECT}/pyproject.toml, see above")
        folder.mkdir(exist_ok=True)
        self.folder, self._programs = folder, (PROJECT / ".venv" / ("Scripts" if os.name == "nt" else "bin")).absolute()
        self._processes: list[subprocess.Popen[bytes]] = []
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"  # SuperLink starts others by their names
        self._environment = {
            **environment,
            **QUIET,
            "PATH": path,
            "FLWR_HOME": str(folder.absolute()),
            "PYTHONPATH": str(Path("src").absolute()),
        }

    def start(self, name: str, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        """Start a program whose output goes to a file."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.command(program, *arguments), env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)
        return process

    def run(self, *arguments: object) -> None:
        """Run Flower's command line.

        Raises:
            UserError: it failed.
        """
        command = self.command("flwr", *arguments)
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"flwr {arguments[0]}: {' '.join((done.stdout + done.stderr).split())[-300:]}")

    def replace(self, program: str, *arguments: object) -> None:
        """Become a program."""
        command = self.command(program, *arguments)
        os.execve(command[0], command, self._environment)

    def command(self, program: str, *arguments: object) -> list[str]:
        """Return the command that runs a program of the environment."""
        return [str(self._programs / program), *map(str, arguments)]

    def stop(self) -> None:
        """End all programs, those that they started included."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def problems(self) -> str:
        """Return why sites on this machine cannot take part; only their logs have it."""
        logs = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.folder.glob("*.log")))
        lines = [line.partition("federate: ")[2] for log in logs for line in log.splitlines() if "federate: " in line]
        return "; ".join(dict.fromkeys(lines))


@contextmanager
def flower(folder: Path) -> Iterator[Flower]:
    """Yield Flower, and end its programs after that."""
    found = Flower(folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what follows is done
    try:
        yield found
    finally:
        found.stop()


def coordinate(found: Flower, settings: Federated, plan: Plan, keys: Path, local: dict[str, Path]) -> dict[str, Any]:
    """Run all rounds and return their record and `arrays`.

    Args:
        found: what starts programs.
        settings: of the project.
        plan: of all sites.
        keys: the folder with the certificate and the public keys of sites.
        local: file of each site that runs on this machine.

    Raises:
        UserError: the address is taken, a program does not start, or too few sites took part.
    """
    host, _, port = settings.address.rpartition(":")
    bind = "127.0.0.1" if host in ("127.0.0.1", "localhost") else "0.0.0.0"
    superlink, certificate = f"127.0.0.1:{free_port()}", (keys / CERTIFICATE).absolute()
    require_free(bind, int(port))
    server_key = (keys / SERVER_KEY).absolute()
    found.start(
        *("superlink", "flower-superlink", "--host", "127.0.0.1", "--port", superlink.rpartition(":")[2]),
        *("--ssl-certfile", certificate, "--ssl-keyfile", server_key, "--ssl-ca-certfile", certificate),
        *("--enable-supernode-auth", "--disable-runtime-dependency-installation"),
    )
    wait_for(superlink)
    connection = f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "{superlink}"\nroot-certificates = "{certificate}"\n'
    write_text(connection, found.folder / "config.toml")
    for name in settings.sites:
        found.run("supernode", "register", keys / f"{name}.pub", "here")
    # Last: a SuperNode whose key is not registered yet would end.
    found.start("gateway", "python", PROJECT / "gateway.py", f"{bind}:{port}", superlink, certificate, server_key)
    wait_for(f"127.0.0.1:{port}")
    for name, path in local.items():
        found.start(name, "flower-supernode", *node(settings, keys, name, path))
    result = found.folder / "result.json"
    write_text(
        f"plan = {json.dumps(plan.model_dump_json())}\nresult = {json.dumps(str(result))}\n", found.folder / "run.toml"
    )
    found.run("run", PROJECT, "here", "--run-config", found.folder / "run.toml")
    until = time.monotonic() + settings.wait_seconds + settings.rounds * (settings.round_timeout_seconds + 60)
    record: dict[str, Any] = {"rounds": []}
    while not ("done" in record or "problem" in record):
        if time.monotonic() > until:
            raise UserError("the rounds did not end in time")
        time.sleep(0.2)
        shown = len(record["rounds"])
        record = json.loads(result.read_text(encoding="utf-8")) if result.exists() else record
        for number, one in enumerate(record["rounds"][shown:], shown + 1):
            print(f"  round {number}: {'; '.join([', '.join(sorted(one['sites'])), *one['failed']])}", flush=True)
    if problem := record.get("problem"):
        raise UserError(": ".join(filter(None, [problem, found.problems()])))
    with np.load(result.with_suffix(".npz")) as arrays:
        return {"rounds": record["rounds"], "arrays": [*arrays.values()]}


def node(settings: Federated, keys: Path, name: str, path: Path) -> list[object]:
    """Return the arguments of a site's SuperNode."""
    config = {"site": name, "data": str(path.absolute()), "epsilon": float(settings.privacy.epsilon or 0)}
    return [
        *("--superlink", settings.address, "--root-certificates", keys / CERTIFICATE),
        *("--auth-supernode-private-key", keys / f"{name}.key", "--port", free_port()),
        *("--node-config", " ".join(f"{key}={json.dumps(value)}" for key, value in config.items())),
    ]


def free_port() -> int:
    """Return a port of this machine on which no process listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def require_free(host: str, port: int) -> None:
    """Raise a `UserError` if a process listens at an address."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
        except OSError as error:
            raise UserError(f"port {port} is taken: set another one in `address` of {Federated.path()}") from error


def wait_for(address: str) -> None:
    """Wait until a process listens at an address.

    Raises:
        UserError: none does for two minutes.
    """
    host, _, port = address.rpartition(":")
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.2)
    raise UserError(f"nothing listens at {address}: Flower did not start")
