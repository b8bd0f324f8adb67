"""What a project gives to Prometheus and Grafana."""

import json
from typing import Any

import yaml

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
    return expression.replace("$__rate_interval", "1m").replace("$namespace", ".*")
