"""A real Prometheus scrapes the real server: each rule and each panel finds its data, and alerts fire and end."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from harness.projects import change, inside
from harness.prometheus import ask, ask_in_use, dashboards_of, filled_in, firing, prometheus, rules_of, targets_of
from harness.server import Server, eventually, serving
from harness.template import Project

AT_ONCE = ("ModelServerDown", "ModelServerAbsent", "ModelNotReady", "ModelReloadFailing")


@pytest.fixture
def server(versions: tuple[Project, str, str]) -> Iterator[Server]:
    """Return a server without a champion."""
    project, _, _ = versions
    change(project, "config/serving.yaml", reload_seconds=0.5, drain_seconds=0)
    with serving(project) as server:
        yield server


def test_each_rule_and_each_panel_finds_its_data(
    server: Server, versions: tuple[Project, str, str], tmp_path: Path, tool: Callable[[str], str]
):
    project, first, second = versions
    rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
    with prometheus(project, {"server:8080": server.url}, tmp_path, tool("prometheus"), AT_ONCE) as address:
        eventually("no champion", lambda: firing(address, "ModelNotReady"))
        project.poe("promote", "--version", first, "--approved-by", "Grace")
        eventually("a model", server.ready)
        eventually("no alert", lambda: not firing(address, "ModelNotReady"))
        recorded = [rule["record"] for rule in rules_of(project) if "record" in rule]
        dashboards = dashboards_of(project).values()
        panels = [filled_in(panel) for dashboard in dashboards for panel in targets_of(dashboard)]
        for expression in [*recorded, *panels]:
            eventually(f"data for {expression}", partial(ask_in_use, address, expression, server, rows))
        assert ask(address, 'ALERTS{alertstate="firing"}') == []
        (ready,) = ask(address, "model_ready")
        assert ready["value"][1] == "1"
        project.run("rm", "-r", "mlruns")
        project.poe("promote", "--version", second, "--approved-by", "Grace")
        eventually("a version that is gone", lambda: firing(address, "ModelReloadFailing"))
        assert server.ask("/predict", {"rows": rows[:1]}).json["version"] == first
        targets = tmp_path / "scrape/model-server.yaml"
        found = targets.read_text()
        targets.write_text("[]")
        eventually("no target", lambda: firing(address, "ModelServerAbsent"))
        targets.write_text(found)
        server.process.kill()
        eventually("a server that is down", lambda: firing(address, "ModelServerDown"))
