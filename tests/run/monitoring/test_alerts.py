"""`poe alerts` checks configuration and rules of Prometheus, and runs the tests of the rules."""

import re

from harness.next_level import with_next_level
from harness.projects import DEFAULT


def test_rules_pass_their_tests(installed, tool):
    tool("promtool")
    printed = installed(**DEFAULT).poe("alerts").stdout
    assert "SUCCESS: prometheus.yaml is valid" in printed
    assert "SUCCESS: 12 rules found" in printed
    assert re.findall(r"Unit Testing:  (.*)\n  SUCCESS", printed) == [
        "tests/model-server.yaml",
        "tests/predictions.yaml",
    ]


def test_a_rules_file_that_a_level_adds_is_checked_and_tested(churn, tool):
    tool("promtool")
    printed = with_next_level(churn).poe("alerts").stdout
    assert "SUCCESS: 2 rule files found" in printed
    assert "Unit Testing:  tests/next.yaml\n  SUCCESS" in printed


def test_a_file_that_kubernetes_would_not_get_is_named(churn, tool):
    tool("promtool")
    for name in ("rules/ours.yaml", "dashboards/ours.json"):
        (churn.path / "monitoring" / name).write_text("{}")
    assert churn.poe("alerts", rc=1).stderr.splitlines()[-1] == (
        "alerts: monitoring/kustomization.yaml does not list dashboards/ours.json, rules/ours.yaml: "
        "Kubernetes would not get it"
    )


def test_a_rule_that_fires_too_late_fails_its_test(churn, tool):
    tool("promtool")
    rules = churn.path / "monitoring" / "rules" / "model-server.yaml"
    rules.write_text(rules.read_text().replace("> 0.01", "> 0.1"))
    done = churn.poe("alerts", rc=1)
    assert "ModelServerErrors" in done.stdout + done.stderr


def test_missing_promtool_is_one_line(installed, tmp_path):
    project = installed(**DEFAULT)
    python = project.path / ".venv" / "bin" / "python"
    done = project.run(python, "tools/alerts.py", rc=1, PATH=str(tmp_path))
    assert done.stderr.splitlines() == [
        "alerts: promtool is not installed: it comes with Prometheus, https://prometheus.io/download"
    ]
