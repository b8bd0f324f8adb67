"""The game day and the loop, run as their users do: each fault is recovered from within its objectives, as the journals show."""

import re

import pytest
from harness.template import Project

PROGRAMS = ("prometheus", "prometheus-alertmanager")
DONE = {  # what has to be done about a fault
    "bad-release": "rollback for ModelServerErrors: verified",
    "clock-jump": "rollback for ModelServerErrors: declined: cool-down",
    "drifted-traffic": "retrain for DataDrift: verified",
    "failing-remediation": "rollback for ModelServerErrors: verified",
    "flapping-alert": "rollback for ModelServerErrors: declined: cool-down",
    "log-disk-full": "no alert fires",
    "poisoned-batch": "500 rows of the batch as it should be were added",
    "registry-lost": "no alert fires",
    "server-killed": "no alert fires",
    "slow-release": "rollback for ModelServerSlow: verified",
    "tampered-champion": "safe_model for ModelNotReady: verified",
    "two-alerts": "verified",
}
LOOP_FAULTS = {*DONE} - {"drifted-traffic", "poisoned-batch", "tampered-champion", "failing-remediation"}


@pytest.fixture
def system(autonomous: Project, tool) -> Project:
    """Return a project whose whole system can run here."""
    for program in PROGRAMS:
        tool(program)
    return autonomous


@pytest.mark.parametrize(
    "names",
    ["server-killed failing-remediation", pytest.param("", marks=pytest.mark.long)],  # or all
)
def test_system_recovers_from_each_fault_or_pages_a_person(system: Project, names):
    before = (system.path / "mlflow.db").read_bytes()
    system.process("game-day", *names.split())
    found = {path.stem: system.json(str(path)) for path in (system.path / "reports/drills").glob("*.json")}
    assert {*found} == {*(names.split() or DONE)}
    for name, evidence in found.items():
        assert evidence["recovered"], evidence
        assert evidence["recovered_after_seconds"] >= evidence["detected_after_seconds"] > 0
        assert DONE[name] in evidence["action"]
        journal = system.json(f"reports/drills/journals/{name}.json")
        assert (journal["status"], journal["deviated"]) == ("completed", False)
        assert all(one["status"] == "succeeded" for one in journal["run"])
        limit = journal["experiment"]["configuration"]["failed_percent_at_most"]
        assert evidence["requests_failed"] <= limit / 100 * evidence["requests"]
    assert "Page: remediation" in found["failing-remediation"]["decision"]
    page = system.text("reports/drills.html")
    rows = dict(re.findall(r"<tr.*?><td>(.*?)</td><td.*?>(.*?)</td>", page))
    assert {name: rows[name] for name in DONE} == {name: "passed" if name in found else "never run" for name in DONE}
    assert (system.path / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize(
    ("months", "faults"), [(2, {"two-alerts"}), pytest.param(12, LOOP_FAULTS, marks=pytest.mark.long)]
)
def test_year_runs_by_itself(system: Project, months, faults):
    printed = system.process("loop", "--months", str(months), "--rows", "300", "--seed", "1").stdout
    loop = system.json("reports/loop.json")
    assert len(loop["months"]) == months
    assert {one["fault"] for one in loop["months"]} - {None} == faults
    faults = [one["evidence"] for one in loop["months"] if one["fault"]]
    assert all(one["recovered"] for one in faults)
    assert all(one["remedies"] == [] for one in loop["months"] if not one["fault"])
    assert loop["requests"] >= 300 * months + sum(one["requests"] for one in faults)
    assert loop["availability"] == pytest.approx(100 * (1 - loop["requests_failed"] / loop["requests"]))
    assert loop["budget_spent"] == pytest.approx((100 - loop["availability"]) / (100 - loop["objective"]))
    assert (loop["human_actions"], loop["wrong_remediations"]) == (0, 0)
    assert "0 human actions needed, 0 wrong remediations" in printed
    page = system.text("reports/loop.html")
    assert all(one["fault"] in page for one in faults)
    assert f"{loop['availability']:.3f} % of " in page
