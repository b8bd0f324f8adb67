"""Objectives: a real Prometheus measures the budget, and a spent one refuses promotions."""

import re
import shutil
import subprocess

import yaml
from harness.projects import change
from harness.prometheus import ask, dashboards_of, prometheus, targets_of
from harness.server import eventually, serving

RULES, TESTS = "monitoring/rules/slo.yaml", "monitoring/tests/slo.yaml"
WITHOUT = {  # what keeps a query right, and the query without it
    " or vector(0)": "",
    ", 0.05)": ", 0)",
    " > 0, ": ", ",
    'le="0.5"': 'le="0.4"',
}


def test_spent_budget_refuses_a_promotion_but_no_rollback(autonomous, tmp_path, tool):
    program, project, grace = tool("prometheus"), autonomous, ("--approved-by", "Grace")
    change(project, "config/serving.yaml", drain_seconds=0)
    project.poe("register")
    with (
        serving(project, SERVING_ALIASES="nothing") as server,
        prometheus(project, {"server:8080": server.url}, tmp_path, program) as address,
    ):
        gate = {"ERROR_BUDGET_PROMETHEUS": address}
        eventually("Prometheus", lambda: ask(address, "vector(1)"))
        assert "has recorded none" in project.poe("promote", "--version", "2", *grace, **gate).stdout

        def spent() -> bool:
            assert server.ask("/predict", {"rows": []}).status == 503
            return bool(ask(address, 'slo:period_error_budget_remaining:ratio{sloth_slo="availability"} < 0'))

        eventually("a spent budget", spent)
        refused = project.poe("promote", "--version", "1", *grace, rc=1, **gate).stderr
        assert re.search(
            r"promote: version 1 cannot be promoted: the error budget of availability is spent: -", refused
        )
        assert "customer-churn 1 is the champion again" in project.poe("rollback", **gate).stdout
        printed = project.process("slo", "--prometheus", address).stdout
        assert re.search(r"availability +99.9 +-\d", printed)
        overview = project.process("overview", **gate) and project.text("reports/overview.html")
        assert re.search(r"<td>availability</td><td>99.9</td><td class=\"bad\">-\d", overview)
        for expression in targets_of(dashboards_of(project)["slo.json"]):
            eventually(f"data for {expression}", lambda expression=expression: ask(address, expression))


def test_each_safeguard_of_a_query_has_a_test_that_fails_without_it(autonomous, tmp_path, tool):
    promtool, project = tool("promtool"), autonomous
    before = {path: project.text(path) for path in (RULES, TESTS)}
    project.poe("slo", "--write")
    assert {path: project.text(path) for path in before} == before
    config = project.text("config/slo.yaml")
    for number, (safeguard, without) in enumerate(WITHOUT.items()):
        assert safeguard in config
        (project.path / "config/slo.yaml").write_text(config.replace(safeguard, without))
        project.poe("slo", "--write")
        folder = shutil.copytree(project.path / "monitoring", tmp_path / str(number))
        for path in folder.glob("rules/*.yaml"):
            path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text())["spec"]))
        command = [promtool, "test", "rules", "tests/indicators.yaml"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert "FAILED" in done.stderr + done.stdout, f"no test fails without {safeguard}"
