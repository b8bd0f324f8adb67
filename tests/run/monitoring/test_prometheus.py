"""A real Prometheus scrapes the real server: each rule and each panel of the dashboards finds its data."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from harness.projects import change, inside
from harness.prometheus import ask, dashboards_of, filled_in, prometheus, rules_of, targets_of
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


def test_each_rule_and_each_panel_finds_its_data(server, tmp_path, tool: Callable[[str], str]):
    project = server.project
    rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
    server.ask("/predict", {"rows": rows[:1]})
    with prometheus(project, {"server:8080": server.url}, tmp_path, tool("prometheus")) as address:
        eventually("a first look", lambda: ask(address, "inference_requests_total"))

        def asked_while_used(expression: str) -> list[dict]:  # a rate is of requests in the last minute
            server.ask("/predict", {"rows": rows[:20]})
            return ask(address, expression)

        recorded = [rule["record"] for rule in rules_of(project) if "record" in rule]
        dashboards = dashboards_of(project).values()
        panels = [filled_in(panel) for dashboard in dashboards for panel in targets_of(dashboard)]
        for expression in [*recorded, *panels]:
            eventually(f"data for {expression}", partial(asked_while_used, expression))
        assert ask(address, 'ALERTS{alertstate="firing"}') == []
        (ready,) = ask(address, "model_ready")
        assert ready["value"][1] == "1"
        server.process.kill()
        eventually("a server that is down", lambda: ask(address, 'ALERTS{alertname="ModelServerDown"}'))
