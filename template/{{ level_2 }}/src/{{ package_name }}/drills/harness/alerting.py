# Managed by copier-mlops: an update merges with your edits.
"""A real Prometheus and a real Alertmanager with the rules of `monitoring/`, on free ports, as fast as a drill needs."""

import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from ...core.errors import UserError

RULES = Path("monitoring/rules")
PROGRAMS = {"prometheus": ["prometheus"], "alertmanager": ["prometheus-alertmanager", "alertmanager"]}


class Alerting:
    """The running pair."""

    def __init__(self, alertmanager: int) -> None:
        self._alertmanager = f"http://127.0.0.1:{alertmanager}"

    def firing(self) -> list[str]:
        """Return the names of the alerts that Alertmanager has as active."""
        return sorted(alert["labels"]["alertname"] for alert in _get(f"{self._alertmanager}/api/v2/alerts") or [])


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def alerting(exporter: int) -> Iterator[Alerting]:
    """Yield Prometheus and Alertmanager, which watch an exporter of batch metrics and post its alerts back to it.

    The rules are those of the project, but without the minutes for which a condition must hold.

    Raises:
        UserError: one of the programs is not installed.
    """
    found = {name: _program(name) for name in PROGRAMS}
    manager, prometheus, place = free_port(), free_port(), Path("alerting")
    place.mkdir()
    groups = [group for path in sorted(RULES.glob("*.yaml")) for group in _groups(path)]
    job = next(iter(yaml.safe_load(Path("monitoring/scrape/monitoring.yaml").read_text(encoding="utf-8"))))["labels"][
        "job"
    ]
    scraped = {
        "job_name": "exporter",
        "static_configs": [{"targets": [f"127.0.0.1:{exporter}"], "labels": {"job": job}}],
    }
    receiver = {
        "name": "exporter",
        "webhook_configs": [{"url": f"http://127.0.0.1:{exporter}/alerts", "send_resolved": True}],
    }
    route = {"receiver": "exporter", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    files = {
        "rules.yaml": {"groups": groups},
        "alertmanager.yaml": {"route": route, "receivers": [receiver]},
        "prometheus.yaml": {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
            "scrape_configs": [scraped],
        },
    }
    for name, content in files.items():
        (place / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    commands = {
        "prometheus": [
            f"--config.file={place}/prometheus.yaml",
            f"--storage.tsdb.path={place}/tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus}",
            "--rules.alert.resend-delay=1s",
        ],
        "alertmanager": [
            f"--config.file={place}/alertmanager.yaml",
            f"--storage.path={place}/alertmanager",
            f"--web.listen-address=127.0.0.1:{manager}",
            "--cluster.listen-address=",
        ],
    }
    with ExitStack() as stack:
        for name, arguments in commands.items():
            stack.enter_context(_running([found[name], *arguments], place / f"{name}.log"))
        yield Alerting(manager)


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _program(name: str) -> str:
    for candidate in PROGRAMS[name]:
        if path := shutil.which(candidate):
            return path
    raise UserError(f"this drill needs {name}: install it, and put it on PATH")


def _groups(path: Path) -> list[dict[str, Any]]:
    """Return the groups of a file of rules, whose conditions count as soon as they hold."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["groups"]
    return [
        {**group, "rules": [{**rule, "for": "0s"} if "alert" in rule else rule for rule in group["rules"]]}
        for group in groups
    ]


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None
