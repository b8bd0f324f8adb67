"""What a project gives to Prometheus and Grafana, and a Prometheus that runs with it."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import yaml

from harness.projects import nobody_listens
from harness.server import Server, background
from harness.template import Project


def rules_of(project: Project) -> list[dict[str, Any]]:
    """Return the rules of all files of monitoring/rules."""
    manifests = [
        yaml.safe_load(path.read_text()) for path in sorted((project.path / "monitoring/rules").glob("*.yaml"))
    ]
    return [rule for manifest in manifests for group in manifest["spec"]["groups"] for rule in group["rules"]]


def dashboards_of(project: Project) -> dict[str, dict[str, Any]]:
    """Return the dashboards by the names of their files."""
    return {
        path.name: json.loads(path.read_text()) for path in sorted((project.path / "monitoring/dashboards").iterdir())
    }


def targets_of(dashboard: dict[str, Any]) -> list[str]:
    """Return the expressions of a dashboard."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def filled_in(expression: str) -> str:
    """Return an expression of a dashboard as Grafana sends it."""
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*").replace("$model", ".*")


@contextmanager
def prometheus(
    project: Project, targets: dict[str, str], folder: Path, program: str, at_once: Iterable[str] = ()
) -> Iterator[str]:
    """Run Prometheus with the project's own configuration, but every second, and yield its address.

    `targets` are addresses by the names that compose.yaml gives them. A rule that waits a minute does not wait, nor do
    the alerts in `at_once`.
    """
    shutil.copytree(project.path / "monitoring", folder, dirs_exist_ok=True)
    for path in folder.glob("rules/*.yaml"):
        content = yaml.safe_load(path.read_text())["spec"]
        for rule in (rule for group in content["groups"] for rule in group["rules"]):
            if rule.get("for") == "1m" or rule.get("alert") in at_once:
                rule["for"] = "0s"
        path.write_text(yaml.safe_dump(content))
    settings = yaml.safe_load((folder / "prometheus.yaml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    for scrape in folder.glob("scrape/*.yaml"):
        text = scrape.read_text()
        for name, url in targets.items():
            text = text.replace(name, urlsplit(url).netloc)
        scrape.write_text(text)
    address = nobody_listens()
    command = [program, "--config.file=prometheus.yaml", f"--web.listen-address={urlsplit(address).netloc}"]
    command.append("--storage.tsdb.path=tsdb")  # the default of some packages is one folder of the machine
    with background(command, cwd=folder):
        yield address


def ask(address: str, expression: str) -> list[dict]:
    """Return the result of an expression, nothing as long as Prometheus starts."""
    try:
        with urlopen(f"{address}/api/v1/query?{urlencode({'query': expression})}") as answer:
            return json.load(answer)["data"]["result"]
    except URLError:
        return []


def ask_in_use(address: str, expression: str, server: Server, rows: list[dict[str, Any]]) -> list[dict]:
    """Return the result of an expression after a request: a rate is of those in the last minute."""
    server.ask("/predict", {"rows": rows[:20]})
    return ask(address, expression)


def firing(address: str, name: str) -> bool:
    """Return whether an alert is firing."""
    return bool(ask(address, f'ALERTS{{alertname="{name}", alertstate="firing"}}'))
