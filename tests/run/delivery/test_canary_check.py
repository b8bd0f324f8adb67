"""`poe canary-check` with real servers, Envoy and Prometheus: it decides as the table of scenarios, and so the controller, does."""

import dataclasses
import json
from typing import Any

from harness.canary_scenarios import BY_NAME, Scenario
from harness.projects import inside
from harness.template import Project

# `dead` is checked by the command below, and the other faults are drills: tests/run/drills/test_drills.py.
AT_ONCE = [BY_NAME[name] for name in ("good", "late fault", "no traffic")]
SECONDS_PER_STEP, REQUESTS_PER_SECOND = "20", "130"
PATIENT = '          - { name: max-p99-seconds, value: "5" }'


def decided(result: dict[str, Any]) -> tuple[str, str | None, list[int]]:
    """Return the outcome of a check."""
    return result["outcome"], result["aborted_by"], [step["weight"] for step in result["steps"]]


def wanted(scenario: Scenario) -> tuple[str, str | None, list[int]]:
    """Return the outcome in the table."""
    return scenario.outcome, scenario.aborted_by, [*scenario.weights]


def test_releases_end_as_those_of_the_real_controller(looping: Project, tool):
    tool("prometheus")
    rollout = looping.path / "deploy/levels/level-2/canary/rollout.yaml"
    text = rollout.read_text()
    # None of these versions is slow, but this machine may be.
    rollout.write_text(text.replace("          - name: canary-hash", f"{PATIENT}\n          - name: canary-hash", 1))
    assert rollout.read_text() != text
    scenarios = json.dumps([dataclasses.asdict(one) for one in AT_ONCE])
    package = looping.answers["package_name"]
    results = inside(looping, "canary_checks.py", package, SECONDS_PER_STEP, REQUESTS_PER_SECOND, scenarios)
    assert [decided(one) for one in results] == [wanted(one) for one in AT_ONCE]
    good, late, idle = results
    assert {one["value"] for one in good["measurements"] if one["metric"] == "errors"} - {None} == {0}
    for step in good["steps"]:  # clients see the weights
        assert abs(100 * step["canary_requests"] / step["requests"] - step["weight"]) < 3
    assert good["requests_failed"] == 0
    assert good["unmeasured"] == []
    assert late["recovered_after_seconds"] >= late["detected_after_seconds"]
    assert 0 < late["requests_failed"] < 0.2 * late["requests"]
    assert idle["unmeasured"] == ["errors", "latency", "predictions"]


def test_a_version_that_would_be_aborted_is_one_line_and_a_page(looping: Project, tool):
    tool("prometheus")
    package = looping.answers["package_name"]
    looping.python(f"from {package}.drills.harness import faults; faults.register(ready=False)")
    failed = looping.process("canary-check", rc=1)
    [line] = [line for line in failed.stderr.splitlines() if line.startswith("canary-check: ")]
    assert "is aborted before its first request by readiness: " in line
    assert line.endswith(", see reports/canary.html")
    assert decided(looping.json("reports/canary.json")) == wanted(BY_NAME["dead"])
    assert "by readiness" in looping.text("reports/canary.html")


def test_a_version_without_an_alias_is_one_line(looping: Project, tool):
    tool("prometheus")
    refused = looping.poe("canary-check", "--canary", "99", rc=1).stderr
    assert "has no version 99: `poe versions` lists all" in refused
