# Managed by copier-mlops: an update merges with your edits.
"""A cloud is lost: its server stops responding, and Envoy sends requests to the next one, by deploy/fail-over/envoy.yaml."""

import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat

from ..core.config import read
from ..core.settings import Settings
from ..delivery.envoy import local_address, running_envoy
from ..delivery.traffic import traffic
from ..monitoring.live_server import live_server
from ..operations.clouds import ROUTER
from . import Evidence
from .harness.sandbox import sandbox, wait

QUIET_SECONDS = 2  # after recovery, in which no request may fail or reach the lost cloud


class FailOver(Settings, env_prefix="FAIL_OVER_"):
    """The schema of `config/fail_over.yaml`."""

    requests_per_second: PositiveFloat
    lost_percent: NonNegativeFloat
    recovery_seconds: PositiveFloat


def main() -> Evidence:
    """Lose the first of two clouds while requests flow, until the second one responds to all; then let it return."""
    limits = FailOver.load()
    with sandbox(), live_server() as lost, live_server() as other, TemporaryDirectory(prefix="envoy-") as folder:
        servers = {"lost": lost.place, "other": other.place}
        proxied = running_envoy(_local(lost.place, other.place), Path(folder), servers)
        with proxied as proxy, traffic(proxy.address, limits.requests_per_second) as clients:
            wait(lambda: proxy.requests()["lost"] > 2 * limits.requests_per_second, "requests")
            started, before = time.monotonic(), clients.requests
            lost.process.send_signal(signal.SIGSTOP)  # connections succeed, and no response comes
            try:
                wait(lambda: proxy.healthy() == {"other"}, "a failed health check")
                detected = time.monotonic() - started
                clients.flush()
                seconds, then = time.monotonic() - started, (clients.failed, proxy.requests()["lost"])
                time.sleep(QUIET_SECONDS)
                quiet = then == (clients.failed, proxy.requests()["lost"])
            finally:
                lost.process.send_signal(signal.SIGCONT)
            resumed = time.monotonic()
            wait(lambda: proxy.requests()["lost"] > then[1], "requests to the cloud that is back")
            back = time.monotonic() - resumed
    requests = clients.requests - before
    within = clients.failed <= requests * limits.lost_percent / 100 and seconds <= limits.recovery_seconds
    return Evidence(
        fault="the first cloud accepts connections and does not respond",
        detected_after_seconds=detected,
        decision=f"{clients.failed} of {requests} requests lost in {seconds:.1f} s, "
        f"allowed: {limits.lost_percent:g} % in {limits.recovery_seconds:g} s",
        action=f"requests went to the next cloud, and back {back:.1f} s after the first one responded again",
        recovered_after_seconds=seconds if quiet else None,
        requests=requests,
        requests_failed=clients.failed,
        recovered=quiet and within,
    )


def _local(*places: str) -> dict[str, Any]:
    """Return the configuration of production, without TLS, for servers of this machine: `127.0.0.1:PORT` by priority."""
    config = read(ROUTER)
    (cluster,), (listener,) = config["static_resources"]["clusters"], config["static_resources"]["listeners"]
    addresses = [local_address(int(place.rpartition(":")[2])) for place in places]
    hosts = [{"priority": n, "lb_endpoints": [{"endpoint": {"address": one}}]} for n, one in enumerate(addresses)]
    cluster |= {"type": "STATIC", "transport_socket": None}
    cluster["load_assignment"]["endpoints"] = hosts
    listener["address"] = config["admin"]["address"] = local_address(0)
    return config
