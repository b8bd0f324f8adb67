"""What a project gives to Prometheus and Grafana."""

from typing import Any

import yaml

from harness.template import Project


def rules_of(project: Project) -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(project.text("monitoring/rules.yaml"))["spec"]["groups"]
    return group["rules"]


def targets_of(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def filled_in(expression: str) -> str:
    """Return an expression of a dashboard as Grafana sends it."""
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*")
