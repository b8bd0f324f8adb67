"""Commands of a project as forks of a process that has imported what they import: they take a twentieth of the time.

A fork has the arguments, environment, folder, output and exit code of a process. What it does not prove is that a task
starts without one: for that, test_tasks.py runs each as a process.
"""

import atexit
import json
import re
import socket
import subprocess
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any

ZYGOTE = Path(__file__).with_name("inside") / "zygote.py"
MODULE = re.compile(r"python -m (?!pytest)(?P<module>[\w.]+)(?P<arguments>( [\w-]+)*)")
MOST = 2  # that run at once: each has imported hundreds of megabytes

_zygotes: "OrderedDict[Path, Zygote]" = OrderedDict()


@dataclass
class Zygote:
    """A process that forks."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    lock: Lock
    spent: float = 0.0  # seconds of CPU of its forks

    def run(self, request: dict[str, Any]) -> int:
        """Run a request and return its exit code."""
        with self.lock, self.connection.makefile("rw", encoding="utf-8") as lines:
            lines.write(json.dumps(request) + "\n")
            lines.flush()
            rc, spent = json.loads(lines.readline())
        self.spent += spent
        return rc

    def end(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.wait()


def forked(folder: Path, package: str, environment: dict[str, str], **what: Any) -> subprocess.CompletedProcess[str]:
    """Run a `module` or a `script` of a project with `arguments`."""
    with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
        streams = {"stdout": out.name, "stderr": err.name}
        where = {"folder": str(folder), "package": package, "variables": environment}
        rc = zygote(folder, environment).run({**what, **where, **streams})
        printed = [Path(stream).read_text(encoding="utf-8") for stream in streams.values()]
    return subprocess.CompletedProcess([*map(str, what.values())], rc, *printed)


def cpu_seconds() -> float:
    """Return the CPU time of commands that the operating system does not count for this process yet."""
    return sum(zygote.spent for zygote in _zygotes.values())


def zygote(folder: Path, environment: dict[str, str]) -> Zygote:
    """Return the process that forks for a project, and end the one that was not used for longest."""
    found = _zygotes.pop(folder, None)
    if found is None or found.process.poll() is not None:
        found = start(folder, environment)
    _zygotes[folder] = found
    while len(_zygotes) > MOST:
        _zygotes.popitem(last=False)[1].end()
    return found


def start(folder: Path, environment: dict[str, str]) -> Zygote:
    """Start a process that forks in the environment of a project."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [folder / ".venv/bin/python", ZYGOTE, str(theirs.fileno())],
            cwd="/",
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return Zygote(process, ours, Lock())


@atexit.register
def end_all() -> None:
    """End all of them."""
    while _zygotes:
        _zygotes.popitem()[1].end()


def module_of(task: Any) -> tuple[str, list[str]] | None:
    """Return module and arguments of a task that is `python -m MODULE ARGUMENTS` and nothing else."""
    if isinstance(task, dict) and task.keys() <= {"cmd", "help"} and (found := MODULE.fullmatch(task.get("cmd", ""))):
        return found["module"], found["arguments"].split()
    return None
