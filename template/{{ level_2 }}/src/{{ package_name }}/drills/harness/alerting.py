# Managed by copier-mlops: an update merges with your edits.
"""A real Prometheus and a real Alertmanager with the configuration in `monitoring/`, on free ports, as fast as a drill needs."""

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from ...core import programs

FOLDER = Path("alerting")
RANGE = re.compile(r"\[\d+[mhd]\]")  # over which rules look back
SHORT_RANGE = "[10s]"  # over which they do in a drill
LIMIT = re.compile(r"> [\d.]+$")
LONG, SHORT = re.compile(r"\d\d+m|\d+[hd]"), "15s"  # for which conditions hold before they count, and in a drill


class Alerting(NamedTuple):
    """Addresses, as HOST:PORT."""

    manager: str
    prometheus: str


def firing(manager: str) -> list[str]:
    """Return the names of the alerts that an Alertmanager has as active."""
    with urllib.request.urlopen(f"http://{manager}/api/v2/alerts", timeout=10) as response:
        return sorted(alert["labels"]["alertname"] for alert in json.load(response))


@contextmanager
def alerting(
    exporter: str,
    servers: Sequence[str],
    webhook: Mapping[str, Any] | None = None,
    limits: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[Alerting]:
    """Run Prometheus, which scrapes all addresses, and Alertmanager, which posts to the exporter; yield their addresses.

    Args:
        exporter: of monitoring.
        servers: of the model.
        webhook: one more that Alertmanager posts to, as its configuration describes it.
        limits: in place of those that the rules compare with, by alert.

    Raises:
        UserError: one of the programs is not installed, or does not start.
    """
    found = programs.find("prometheus"), programs.find("prometheus-alertmanager", "alertmanager")
    prometheus, manager = (f"127.0.0.1:{programs.free_port()}" for _ in range(2))
    _configure({"monitoring": [exporter], "model-server": [*servers]}, manager, webhook, limits)
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
        yield Alerting(manager, prometheus)


def _configure(
    scraped: dict[str, list[str]], manager: str, webhook: Mapping[str, Any] | None, limits: Mapping[str, float]
) -> None:
    """Copy the configuration, but most conditions count at once, all look back seconds, and scrapes are each second."""
    shutil.copytree("monitoring", FOLDER)
    for path in (FOLDER / "rules").glob("*.yaml"):
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            rule["expr"] = RANGE.sub(SHORT_RANGE, rule["expr"])
            if limit := limits.get(rule.get("alert", "")):
                rule["expr"] = LIMIT.sub(f"> {limit}", rule["expr"])
            if LONG.fullmatch(rule.pop("for", "")):  # what passes by itself, such as a server that starts
                rule["for"] = SHORT
        _write(path.relative_to(FOLDER), {"groups": groups})
    main = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
    _write("prometheus.yaml", main | {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}})
    for path in (FOLDER / "scrape").glob("*.yaml"):
        targets = yaml.safe_load(path.read_text(encoding="utf-8")) if path.stem in scraped else []
        _write(path.relative_to(FOLDER), [one | {"targets": scraped[path.stem]} for one in targets])
    _write("alertmanagers.yaml", [{"targets": [manager]}])
    webhooks = [{"url": f"http://{scraped['monitoring'][0]}/alerts"}, *([webhook] if webhook else [])]
    route = {
        "receiver": "all",
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    _write("receiver.yaml", {"route": route, "receivers": [{"name": "all", "webhook_configs": webhooks}]})


def _write(name: str | Path, content: object) -> None:
    (FOLDER / name).write_text(yaml.safe_dump(content), encoding="utf-8")
