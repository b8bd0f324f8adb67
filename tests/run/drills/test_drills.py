"""Every drill, run as its users do: the loop closes, no request fails, and the project itself stays as it was."""

import json
import re

import pytest
from harness.canary_scenarios import BY_NAME
from harness.template import Project

KEYS = {
    "fault",
    "detected_after_seconds",
    "decision",
    "action",
    "recovered_after_seconds",
    "requests",
    "requests_failed",
    "recovered",
    "ended",
    "code",
}
EARLIER = {  # of a drill whose evidence is older than its page
    "fault": "a version <b>fails",
    "detected_after_seconds": None,
    "decision": "nothing happened",
    "action": "none",
    "recovered_after_seconds": None,
    "recovered": False,
}
FAILING = """
import contextlib, sys
from {package}.drills import NotRecoveredError, __main__ as drill, bad_batch
def main():
    raise NotRecoveredError("an alert: did not happen within 1 s")
bad_batch.main, drill.sandbox, sys.argv = main, contextlib.nullcontext, ["drill", "bad-batch"]
drill.main()
"""
NEEDED = {"drift": ["prometheus", "prometheus-alertmanager"], "bad-model": ["prometheus"], "slow-model": ["prometheus"]}
RELEASES = {"bad-model": "errors", "slow-model": "slow", "shifted-model": "shifted predictions"}  # and their scenarios


@pytest.mark.parametrize(
    "names",
    [
        "bad-batch labels-late log-disk-full ab-guardrail",
        "drift",
        "retrain-crash",
        "bad-model dead-pod",
        pytest.param("slow-model shifted-model", marks=pytest.mark.long),  # as two scenarios of the canary check
        "rollback registry-down",
    ],
)
def test_drills_recover(looping: Project, tool, names):
    for program in NEEDED.get(names.partition(" ")[0], []):
        tool(program)
    before = looping.poe("versions").stdout, looping.poe("audit", "list").stdout
    earlier = looping.path / "reports/drills/feature-store-down.json"
    earlier.parent.mkdir(exist_ok=True)
    earlier.write_text(json.dumps(EARLIER))
    looping.process("drill", *names.split())
    for name in names.split():
        evidence = looping.json(f"reports/drills/{name}.json")
        assert evidence.keys() == KEYS
        assert evidence["recovered"]
        assert evidence["requests"] > 0
        assert evidence["requests_failed"] <= (0.02 * evidence["requests"] if name == "bad-model" else 0)
        assert evidence["recovered_after_seconds"] >= evidence["detected_after_seconds"]
        if name in RELEASES:
            scenario = BY_NAME[RELEASES[name]]
            assert f"aborted at {scenario.weights[-1]} % by {scenario.aborted_by}: " in evidence["decision"]
    assert (looping.poe("versions").stdout, looping.poe("audit", "list").stdout) == before
    rows = re.findall(r"<tr.*?><td>(.*?)</td><td.*?>(.*?)</td>", looping.text("reports/drills.html"))
    run = ["feature-store-down", *sorted(names.split())]
    assert [name for name, _ in rows[: len(run)]] == run
    results = [result for _, result in rows]
    assert results == ["failed", *["passed"] * len(names.split()), *["never run"] * (len(rows) - len(run))]
    assert len(rows) > len(run)


def test_drill_that_waits_in_vain_is_evidence_and_comes_first_on_the_page(looping: Project):
    code = FAILING.format(package=looping.answers["package_name"])
    failed = looping.run("uv", "run", "python", "-c", code, rc=1).stdout
    assert "drill bad-batch: NOT RECOVERED, see reports/drills/bad-batch.json" in failed
    page = looping.text("reports/drills.html")
    assert "an alert: did not happen within 1 s" in page
    assert "0 passed, 1 failed, " in page
    looping.poe("report")
    assert '<a href="drills.html">Drills</a>' in looping.text("reports/index.html")


def test_unknown_drill_names_those_that_there_are(looping):
    refused = looping.poe("drill", "fire", rc=2).stderr
    assert all(name in refused for name in ("bad-batch", "drift", "retrain-crash"))


@pytest.mark.parametrize(
    ("module", "slow"), [("drills.__main__", "matplotlib"), ("training.new_data", "great_expectations")]
)
def test_usage_does_not_wait_for_what_only_a_run_needs(looping, module, slow):
    package = looping.answers["package_name"]
    imported = looping.python(f"import sys, {package}.{module}; print({slow!r} in sys.modules)")
    assert imported == "False"


def test_text_is_put_into_a_feature_that_holds_numbers(looping):
    package = looping.answers["package_name"]
    poisoned = f"from {package}.drills.bad_batch import _poisoned; import pandas"
    assert looping.python(f"{poisoned}; print(_poisoned(pandas.DataFrame({{'a': ['x'], 'b': [1.0]}})))") == "b"


def test_processes_of_a_drill_reach_nothing_outside_and_send_no_telemetry(looping):
    package = looping.answers["package_name"]
    code = (
        "import json, os; from pathlib import Path; os.environ['MLFLOW_TRACKING_URI'] = 'https://registry.example.com';"
        f"from {package}.drills.harness.sandbox import Sandbox; print(json.dumps(Sandbox(Path()).environment))"
    )
    found = json.loads(looping.python(code).splitlines()[-1])
    assert "MLFLOW_TRACKING_URI" not in found
    assert (found["MLFLOW_DISABLE_TELEMETRY"], found["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"]) == ("true", "false")


@pytest.mark.long
def test_retraining_pays_in_the_simulated_year(looping):
    done = looping.process("year")
    year = looping.json("reports/year.json")
    assert year["gain"] >= year["margin"] > 0
    assert year["quiet_actions"] == 0
    assert len(year["months"]) == 12, done.stdout
