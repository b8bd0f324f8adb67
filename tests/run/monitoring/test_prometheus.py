"""A real Prometheus scrapes the real server: each rule and each panel of the dashboards finds its data."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
import yaml
from harness.projects import change, inside, nobody_listens
from harness.prometheus import dashboards_of, filled_in, rules_of, targets_of
from harness.server import Server, eventually, serving
from harness.template import Project


@pytest.fixture
def server(versions: tuple[Project, str, str]) -> Iterator[Server]:
    project, first, _ = versions
    change(project, "config/serving.yaml", reload_seconds=0.5, drain_seconds=0)
    project.poe("promote", "--version", first, "--approved-by", "Grace")
    with serving(project) as server:
        eventually("a model", server.ready)
        yield server


@contextmanager
def prometheus(server: Server, folder: Path, program: str) -> Iterator[str]:
    """Run Prometheus with the project's own configuration, but every second, and yield its address."""
    shutil.copytree(server.project.path / "monitoring", folder, dirs_exist_ok=True)
    for rules in folder.glob("rules/*.yaml"):
        rules.write_text(yaml.safe_dump(yaml.safe_load(rules.read_text())["spec"]))
    settings = yaml.safe_load((folder / "prometheus.yaml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    scrape = folder / "scrape/model-server.yaml"
    scrape.write_text(scrape.read_text().replace("server:8080", urlsplit(server.url).netloc))
    address = nobody_listens()
    process = subprocess.Popen(
        [program, "--config.file=prometheus.yaml", f"--web.listen-address={urlsplit(address).netloc}"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield address
    finally:
        process.terminate()
        process.wait()


def ask(address: str, expression: str) -> list[dict]:
    """Return what Prometheus answers to an expression, nothing as long as it starts."""
    try:
        with urlopen(f"{address}/api/v1/query?{urlencode({'query': expression})}") as answer:
            return json.load(answer)["data"]["result"]
    except URLError:
        return []


def test_each_rule_and_each_panel_finds_its_data(server, tmp_path, tool: Callable[[str], str]):
    project = server.project
    rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
    server.ask("/predict", {"rows": rows[:1]})
    with prometheus(server, tmp_path, tool("prometheus")) as address:
        eventually("a first look", lambda: ask(address, "inference_requests_total"))
        for _ in range(3):
            server.ask("/predict", {"rows": rows[:20]})
        recorded = [rule["record"] for rule in rules_of(project) if "record" in rule]
        dashboards = dashboards_of(project).values()
        panels = [filled_in(panel) for dashboard in dashboards for panel in targets_of(dashboard)]
        for expression in [*recorded, *panels]:
            eventually(f"data for {expression}", lambda expression=expression: ask(address, expression))
        assert ask(address, 'ALERTS{alertstate="firing"}') == []
        (ready,) = ask(address, "model_ready")
        assert ready["value"][1] == "1"
        server.process.kill()
        eventually("a server that is down", lambda: ask(address, 'ALERTS{alertname="ModelServerDown"}'))
