# Managed by copier-mlops: an update merges with your edits.
"""Flower's processes: SuperLink, a gateway and runs at the coordinator, a SuperNode at each site.

They run in the environment of `federated/`, without telemetry, update checks, and installation at run time.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..core.environment import environment
from ..core.errors import UserError
from ..core.io import read_json, write_text
from ..core.programs import free_port, listens, running
from .keys import CERTIFICATE, SERVER_KEY
from .plan import Federated, Plan

PROJECT = Path("federated")
QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "PYTHONWARNINGS": "ignore"}


@contextmanager
def flower(folder: Path) -> Iterator[None]:
    """Install what is missing; in the block, Flower's programs are on PATH and keep their state in a folder.

    Raises:
        UserError: uv is missing, or cannot install Flower.
    """
    if not shutil.which("uv"):
        raise UserError("uv is not on PATH: it installs Flower, see https://docs.astral.sh/uv")
    programs = (PROJECT / ".venv" / ("Scripts" if os.name == "nt" else "bin")).absolute()
    variables = {
        "FLWR_HOME": str(folder.absolute()),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path("src").absolute()),
        "UV_PROJECT_ENVIRONMENT": ".venv",
    }
    with environment(**QUIET, **variables):
        if subprocess.run(["uv", "sync", "--quiet", "--project", str(PROJECT)], check=False).returncode:
            raise UserError(f"uv cannot install {PROJECT}/pyproject.toml, see above")
        folder.mkdir(exist_ok=True)
        yield


def coordinate(
    settings: Federated, plan: Plan, keys: Path, folder: Path, local: bool
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Run all rounds and return their records, and the arrays that sites have learned.

    Args:
        settings: of the project.
        plan: of all sites.
        keys: the folder with the certificate and the public keys of sites.
        folder: of logs and results.
        local: whether all sites run on this machine.

    Raises:
        UserError: the address is taken, a program does not start, or too few sites took part.
    """
    host, _, port = settings.address.rpartition(":")
    bind = "127.0.0.1" if host in ("127.0.0.1", "localhost") else "0.0.0.0"
    gateway, superlink = f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"
    if listens(gateway):
        raise UserError(f"port {port} is taken: set another one in `address` of {settings.path()}")
    certificate, key = (keys / CERTIFICATE).absolute(), (keys / SERVER_KEY).absolute()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all programs are ended
    with ExitStack() as started:

        def start(name: str, ready: Callable[[], bool], *command: object) -> None:
            program = running([*map(str, command)], Path(), ready, group=True, log=folder / f"{name}.log")
            started.enter_context(program)

        start(
            *("superlink", partial(listens, superlink), "flower-superlink"),
            *("--host", "127.0.0.1", "--port", superlink.rpartition(":")[2]),
            *("--ssl-certfile", certificate, "--ssl-keyfile", key, "--ssl-ca-certfile", certificate),
            *("--enable-supernode-auth", "--disable-runtime-dependency-installation"),
        )
        connection = {"address": superlink, "root-certificates": str(certificate)}
        write_text(f'[superlink]\ndefault = "here"\n[superlink.here]\n{toml(connection)}', folder / "config.toml")
        for name in settings.sites:
            flwr("supernode", "register", keys / f"{name}.pub", "here")
        # Last: a SuperNode whose key is not registered yet would end.
        command = ["python", PROJECT / "gateway.py", f"{bind}:{port}", superlink, certificate, key]
        start("gateway", partial(listens, gateway), *command)
        for name in settings.sites if local else ():
            start(name, lambda: True, *node(settings, keys, name))
        result = folder / "result.json"
        write_text(toml({"plan": plan.model_dump_json(), "result": str(result)}), folder / "run.toml")
        flwr("run", PROJECT, "here", "--run-config", folder / "run.toml")
        rounds = wait(result, settings.wait_seconds + settings.rounds * (settings.round_timeout_seconds + 60))
    with np.load(result.with_suffix(".npz")) as arrays:
        return rounds, [*arrays.values()]


def wait(result: Path, seconds: float) -> list[dict[str, Any]]:
    """Print the rounds while they end, and return them.

    Args:
        result: the file that the coordinator's app writes; `problem` is there when it has ended.
        seconds: that it may take.

    Raises:
        UserError: it took longer, or has failed.
    """
    record: dict[str, Any] = {"rounds": []}
    until = time.monotonic() + seconds
    while "problem" not in record:
        if time.monotonic() > until:
            raise UserError("the rounds did not end in time")
        time.sleep(0.2)
        shown = len(record["rounds"])
        record = read_json(result) if result.exists() else record
        for number, one in enumerate(record["rounds"][shown:], shown + 1):
            print(f"  round {number}: {'; '.join([', '.join(sorted(one['sites'])), *one['failed']])}", flush=True)
    if record["problem"]:
        logs = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(result.parent.glob("*.log")))
        # Why a site of this machine cannot take part: only its log has it.
        lines = [line.partition("federate: ")[2] for log in logs for line in log.splitlines()]
        raise UserError("; ".join([record["problem"], *filter(None, dict.fromkeys(lines))]))
    return record["rounds"]


def node(settings: Federated, keys: Path, name: str) -> list[str]:
    """Return the command that takes part as a site."""
    config = {"site": name, "data": str(settings.sites[name].absolute()), "epsilon": settings.privacy.epsilon or 0.0}
    return [
        *("flower-supernode", "--superlink", settings.address, "--root-certificates", str(keys / CERTIFICATE)),
        *("--auth-supernode-private-key", str(keys / f"{name}.key"), "--port", str(free_port())),
        *("--node-config", toml(config, " ")),
    ]


def flwr(*arguments: object) -> None:
    """Run Flower's command line.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run(["flwr", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"flwr {arguments[0]}: {' '.join((done.stdout + done.stderr).split())[-300:]}")


def toml(values: dict[str, Any], between: str = "\n") -> str:
    """Return values as TOML has them."""
    return between.join(f"{name}={json.dumps(value)}" for name, value in values.items())
