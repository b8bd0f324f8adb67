# Managed by copier-mlops: an update merges with your edits.
"""A real Prometheus and a real Alertmanager with the configuration in `monitoring/`, on free ports, as fast as a drill needs."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import yaml

from ...delivery import programs
from ...training.live_server import free_port

FOLDER = Path("alerting")


def firing(manager: str) -> list[str]:
    """Return the names of the alerts that an Alertmanager has as active."""
    with urllib.request.urlopen(f"http://{manager}/api/v2/alerts", timeout=10) as response:
        return sorted(alert["labels"]["alertname"] for alert in json.load(response))


@contextmanager
def alerting(exporter: str, server: str) -> Iterator[str]:
    """Run Prometheus, which scrapes both addresses, and Alertmanager, which posts to the exporter; yield its address.

    Raises:
        UserError: one of the programs is not installed, or does not start.
    """
    found = programs.find("prometheus"), programs.find("prometheus-alertmanager", "alertmanager")
    prometheus, manager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    _configure({"monitoring": exporter, "model-server": server}, manager)
    arguments = (
        ["prometheus.yaml", "--storage.tsdb.path=tsdb", "--rules.alert.resend-delay=1s"],
        ["receiver.yaml", "--storage.path=alerts", "--cluster.listen-address="],
    )
    with ExitStack() as stack:
        for program, (config, *others), address in zip(found, arguments, (prometheus, manager), strict=True):
            command = [program, f"--config.file={config}", f"--web.listen-address={address}", *others]
            stack.enter_context(
                programs.running(command, FOLDER, partial(programs.is_ready, f"http://{address}/-/ready"))
            )
        yield manager


def _configure(scraped: dict[str, str], manager: str) -> None:
    """Copy the configuration, but conditions count as soon as they hold, and addresses are scraped each second."""
    shutil.copytree("monitoring", FOLDER)
    for path in (FOLDER / "rules").glob("*.yaml"):
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["groups"]
        for rule in (rule for group in groups for rule in group["rules"] if "for" in rule):
            rule["for"] = "0s"
        _write(path.relative_to(FOLDER), {"groups": groups})
    main = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    _write("prometheus.yaml", main | {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}})
    for path in (FOLDER / "scrape").glob("*.yaml"):
        targets = yaml.safe_load(path.read_text(encoding="utf-8")) if path.stem in scraped else []
        _write(path.relative_to(FOLDER), [one | {"targets": [scraped[path.stem]]} for one in targets])
    _write("alertmanagers.yaml", [{"targets": [manager]}])
    webhook = {"name": "exporter", "webhook_configs": [{"url": f"http://{scraped['monitoring']}/alerts"}]}
    route = {"receiver": "exporter", "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    _write("receiver.yaml", {"route": route, "receivers": [webhook]})


def _write(name: str | Path, content: object) -> None:
    (FOLDER / name).write_text(yaml.safe_dump(content), encoding="utf-8")
