"""`poe alerts` checks the rules by their tests."""

from harness.projects import DEFAULT


def test_rules_pass_their_tests(installed, tool):
    tool("promtool")
    printed = installed(**DEFAULT).poe("alerts").stdout
    assert "SUCCESS: 12 rules found" in printed
    assert printed.count("SUCCESS") == 3


def test_a_rule_that_fires_too_late_fails_its_test(churn, tool):
    tool("promtool")
    rules = churn.path / "monitoring" / "rules.yaml"
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
