"""Namespaces in which the programs of a cluster run: they see no other network, processes or mounts, and end together.

Nothing of this machine is changed: no link or route leads out, and all mounts are gone with the last process.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from harness.server import Answer, answer

NODE = "172.31.77.2"  # its address is on a bridge that leads nowhere
SERVICES = "10.0.0.0/24"
CLONE_NEWNET = 0x40000000
KINDS = ["--mount", "--net", "--pid", "--uts", "--ipc"]
# The first process of the namespaces: it waits for those whose parents ended.
FIRST = "echo; while :; do wait -n 2>/dev/null || sleep 1; done"
WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]
TOOLS = ["ip", "mount", "nsenter", "openssl", "setpriv", "unshare"]


@dataclass
class Program:
    """A process in the namespaces."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def running(self) -> bool:
        """Return whether it runs; fail if it has ended, with the end of its log."""
        assert self.process.poll() is None, f"{self.name} has ended:\n{self.end_of_log}"
        return True

    @property
    def end_of_log(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:]


@dataclass
class Namespaces:
    """Namespaces of their own for a cluster, and the programs in them."""

    folder: Path
    pid: int  # of their first process, as seen from outside
    programs: list[Program] = field(default_factory=list)
    network: str = "ns/net"  # their own, or that of a pod; below /proc/PID

    def of_pod(self, address: str) -> "Namespaces":
        """Return the same with the network of the pod that has an address."""
        for name in (line.split()[0] for line in self.run("ip", "netns", "list").splitlines()):
            if f" {address}/" in self.run("ip", "-netns", name, "-brief", "address", rc=None):
                return replace(self, network=f"root/run/netns/{name}")
        raise AssertionError(f"no pod has the address {address}")

    def command(self, *command: str | Path) -> list[str]:
        """Return the command that runs a command inside."""
        others = [kind for kind in KINDS if kind != "--net"]
        enter = ["nsenter", f"--target={self.pid}", f"--net=/proc/{self.pid}/{self.network}", *others]
        return [*enter, "--", *WITH_PARENT, *map(str, command)]

    def run(self, *command: str | Path, rc: int | None = 0, text: str = "", **variables: str) -> str:
        """Run a command inside, and return what it prints; fail unless it exits with `rc` (None: anything goes)."""
        done = subprocess.run(
            self.command(*command),
            env={**os.environ, **variables},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = done.stdout + (done.stderr if done.returncode else "")
        assert rc in {None, done.returncode}, (
            f"`{' '.join(map(str, command))}` exited with {done.returncode}:\n{printed}"
        )
        return printed

    def start(self, name: str, *command: str | Path, **variables: str) -> Program:
        """Start a program inside, which writes to a log of its name."""
        path = self.folder / "log" / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as log:
            process = subprocess.Popen(
                self.command(*command),
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.programs.append(Program(name, process, path))
        return self.programs[-1]

    def connect(self, host: str, port: int, timeout: float = 30) -> HTTPConnection:
        """Return a connection from inside."""
        connection = HTTPConnection(host, port, timeout=timeout)
        connection.sock = made = self._socket()
        made.settimeout(timeout)
        try:
            made.connect((host, port))
        except OSError:
            made.close()
            raise
        return connection

    def ask(self, host: str, port: int, path: str, body: Any = None, method: str = "") -> Answer:
        """Send a request from inside, by POST if there is a body, and return the response."""
        with closing(self.connect(host, port)) as connection:
            return answer(connection, path, body, method=method)

    def responds(self, host: str, port: int, path: str) -> bool:
        """Return whether a server inside responds without an error."""
        try:
            return self.ask(host, port, path).status == 200
        except OSError:
            return False

    def listen(self, host: str, port: int = 0) -> socket.socket:
        """Return a socket that accepts connections inside, on a port or on a free one."""
        made = self._socket()
        made.bind((host, port))
        made.listen(128)
        return made

    def _socket(self) -> socket.socket:
        """Make a socket inside: it stays in the namespace in which its thread was when it was made."""
        with Path("/proc/thread-self/ns/net").open() as own, Path(f"/proc/{self.pid}/{self.network}").open() as inside:
            enter(inside.fileno())
            try:
                return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            finally:
                enter(own.fileno())


def enter(namespace: int) -> None:
    """Move this thread to a network namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no such network namespace")


@contextmanager
def namespaces(folder: Path) -> Iterator[Namespaces]:
    """Make namespaces with a node's address and routes, and end all that runs in them after the block."""
    made: Namespaces | None = None
    command = [*WITH_PARENT, "unshare", *KINDS, "--fork", "--kill-child=SIGKILL", "--mount-proc", "bash", "-c", FIRST]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n", "no namespaces"
            (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            made = Namespaces(folder, int(first))
            network(made)
            yield made
        finally:
            process.kill()
            for program in made.programs if made else []:
                program.process.wait()


def network(made: Namespaces) -> None:
    """Give the node its address, and addresses of services a route: without one they are not translated."""
    made.run("ip", "link", "set", "lo", "up")
    made.run("ip", "link", "add", "node", "type", "bridge")
    made.run("ip", "address", "add", f"{NODE}/30", "dev", "node")
    made.run("ip", "link", "set", "node", "up")
    made.run("ip", "route", "add", SERVICES, "dev", "node")
