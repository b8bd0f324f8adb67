"""Sites train together, each a process with rows of its own: only models leave them, one is killed and returns, a stranger is refused."""

import asyncio
import contextlib
import json
import os
import re
import signal
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from harness.projects import change, nobody_listens, registry
from harness.server import socket_listens
from harness.template import Project, clean_environment

SITES = ["site-1", "site-2", "site-3"]
SPLIT = """
import json, sys
from {package}.core.io import read_table
from {package}.core.paths import TRAIN
rows = read_table(TRAIN)
for number in range(3):
    rows.iloc[number::3].to_parquet(f"{folder}/site-{{number + 1}}.parquet")
print(json.dumps(sorted({{*rows["monthly_charge"], *rows["data_usage_gb"].dropna()}})))
"""
CENTRAL = """
from {package}.core.inputs import Inputs
from {package}.core.io import read_table
from {package}.core.paths import TEST, TRAIN
from {package}.federation.plan import Federated, Plan
from {package}.modeling.data import features_and_target
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
(x, y), (new, later) = (features_and_target(read_table(path)) for path in (TRAIN, TEST))
plan = Plan.of(Federated.load(), Inputs.of(x, new), True, {{}})
before = plan.transformer()
model = LogisticRegression(max_iter=10_000).fit(before.transform(plan.inputs.from_table(x)), y)
print(roc_auc_score(later, model.predict_proba(before.transform(plan.inputs.from_table(new)))[:, 1]))
"""


class Processes:
    """Starts tasks of a project whose output goes to files."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start what `poe federate` runs, in a process group of its own, which poe would not keep."""
        programs = self.project.path / ".venv/bin"
        variables["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"  # DVC runs `python`
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [programs / "python", "-m", f"{self.project.answers['package_name']}.federation", *arguments],
                cwd=self.project.path,
                env={**clean_environment(), **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def log(self, name: str) -> str:
        """Return what a process has printed so far."""
        return (self.folder / f"{name}.log").read_text()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def processes(autonomous: Project, tmp_path: Path) -> Iterator[Processes]:
    found = Processes(autonomous, tmp_path)
    yield found
    for process in found.started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    for process in found.started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        found.kill(process)


@contextmanager
def recorded(address: str, keys: Path) -> Iterator[tuple[str, bytearray]]:
    """Forward TLS connections to an address with the key of the coordinator, and record what clients send."""
    sent, places = bytearray(), Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]()
    serve = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serve.load_cert_chain(keys / "coordinator.pem", keys / "coordinator.key")
    host, _, port = address.partition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bool) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(65_536):
                if record:
                    sent.extend(block)
                writer.write(block)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trusted, writers = ssl.create_default_context(cafile=keys / "coordinator.pem"), [writer]
        try:
            there, back = await asyncio.open_connection(host, int(port), ssl=trusted)
            writers.append(back)
            await asyncio.gather(pump(reader, back, True), pump(there, writer, False))
        except (OSError, asyncio.CancelledError):
            for each in writers:
                each.transport.abort()

    async def main() -> None:
        server, stopped = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=serve), asyncio.Event()
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        places.put((place, asyncio.get_running_loop(), stopped))
        await stopped.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    place, loop, stopped = places.get(timeout=30)
    try:
        yield place, sent
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(30)


def values_in(sent: bytes, values: list[float]) -> set[float]:
    """Return the values that were sent, as 8 bytes in either order or as text in a list, unlike the seconds of a time."""
    forms = {
        value: [struct.pack("<d", value), struct.pack(">d", value), f",{value}".encode(), f", {value}".encode()]
        for value in values
    }
    return {value for value, found in forms.items() if any(len(form) > 4 and form in sent for form in found)}


def test_sites_learn_together_and_only_models_leave_them(autonomous, processes, tmp_path):
    project = autonomous
    files = {name: str(tmp_path / f"{name}.parquet") for name in SITES}
    package = project.answers["package_name"]
    values = json.loads(project.python(SPLIT.format(package=package, folder=tmp_path)))
    address = nobody_listens().removeprefix("http://")
    change(project, "config/federated.yaml", address=address, sites=files, rounds=6, round_timeout_seconds=90)
    assert "coordinator.pem is missing" in project.poe("federate", "run", rc=1).stderr
    for arguments in ([], *([name] for name in SITES)):
        project.process("federate", "keys", *arguments)
    keys = project.path / "federated/keys"
    assert ".key" not in project.run("git", "status", "--porcelain", "--untracked-files=all", "federated/keys").stdout
    (keys / "site-3.pub").rename(keys / "away")
    assert "site-3.pub is missing" in project.poe("federate", "run", rc=1).stderr
    (keys / "away").rename(keys / "site-3.pub")

    coordinator = processes.start("coordinator", "run")
    meanwhile(coordinator, lambda: socket_listens(address))
    with recorded(address, keys) as (proxy, sent):
        sites = {name: processes.start(name, "site", name, FEDERATED_ADDRESS=proxy) for name in SITES}
        meanwhile(coordinator, lambda: "round 1:" in processes.log("coordinator"))
        processes.kill(sites["site-3"])
        (keys / "site-3.key").rename(keys / "away")
        project.run("ssh-keygen", "-q", "-t", "ecdsa", "-b", "384", "-N", "", "-f", keys / "site-3.key")
        stranger = processes.start("stranger", "site", "site-3", FEDERATED_ADDRESS=proxy)
        meanwhile(coordinator, lambda: stranger.poll() is not None)
        (keys / "away").rename(keys / "site-3.key")
        meanwhile(coordinator, lambda: re.search("round .: site-1, site-2;", processes.log("coordinator")) is not None)
        processes.start("site-3", "site", "site-3", FEDERATED_ADDRESS=proxy)
        assert coordinator.wait(900) == 1, processes.log("coordinator")
    assert "Failed to activate SuperNode" in processes.log("stranger")
    printed = processes.log("coordinator")
    took_part = [{*re.findall("site-[123]", line.partition(";")[0])} for line in re.findall(r"round \d: (.*)", printed)]
    assert took_part[0] == took_part[-1] == {*SITES}
    assert {*SITES[:2]} in took_part
    missed = "federate: version 2 missed the gate: worse"
    assert printed.splitlines()[-1].startswith(missed), "trees, the champion, learn more"
    assert {*registry(project).versions} == {"1", "2"}
    assert len(sent) > 10_000
    assert values_in(bytes(sent), values) == set()
    assert values_in(bytes(sent) + struct.pack("<d", values[-1]), values) == {values[-1]}, "they would be found"
    central = float(project.python(CENTRAL.format(package=package)))
    assert project.json("reports/metrics.json")["roc_auc"] > 0.98 * central
    assert [*project.json("reports/federated.json")["rounds"][-1]["sites"]]
    assert "registered as" in project.text("reports/federated.html")
    project.commit("The model of three sites")
    blocked = project.poe("promote", "--version", "2", "--approved-by", "Ada", rc=1).stderr
    assert "it did not pass the gate" in blocked
    assert "no commit of this clone" not in blocked


def meanwhile(process: subprocess.Popen[bytes], holds: Callable[[], bool]) -> None:
    """Wait until something holds while a process runs, which ends by itself."""
    while not holds():
        assert process.poll() is None
        time.sleep(0.2)
