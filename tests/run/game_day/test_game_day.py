"""The game day and the loop, run as their users do: each fault is recovered from without a person, and the journals show it."""

import re

import pytest
from harness.template import Project

PROGRAMS = ("prometheus", "prometheus-alertmanager")
DONE = {  # what remediation has to do about a fault, if anything
    "bad-release": "rollback for ModelServerErrors: verified",
    "two-alerts": "verified",
    "tampered-champion": "safe_model for ModelNotReady: verified",
    "clock-jump": "declined: cool-down",
    "flapping-alert": "declined: cool-down",
    "failing-remediation": "rollback for ModelServerErrors: verified",
    "poisoned-batch": "rows of the batch as it should be were added",
    "server-killed": "ModelServerDown is resolved",
}


@pytest.fixture
def system(autonomous: Project, tool) -> Project:
    """Return a project whose whole system can run here."""
    for program in PROGRAMS:
        tool(program)
    return autonomous


@pytest.mark.parametrize(
    "names",
    [
        "two-alerts tampered-champion failing-remediation server-killed",
        pytest.param("", marks=pytest.mark.long),  # all
    ],
)
def test_system_recovers_from_each_fault_without_a_person(system: Project, names):
    before = system.poe("versions").stdout, system.poe("audit", "list").stdout
    system.process("game-day", *names.split())
    found = {path.stem: system.json(str(path)) for path in (system.path / "reports/drills").glob("*.json")}
    assert {*found} >= {*names.split()} if names else len(found) >= 12
    for name, evidence in found.items():
        assert evidence["recovered"], evidence
        assert evidence["recovered_after_seconds"] >= evidence["detected_after_seconds"] > 0
        assert DONE.get(name, "") in evidence["action"]
        journal = system.json(f"reports/drills/journals/{name}.json")
        assert (journal["status"], journal["deviated"]) == ("completed", False)
        assert all(one["status"] == "succeeded" for one in journal["run"])
    if name := "server-killed" if "server-killed" in found else "":
        assert found[name]["requests_failed"] < 0.1 * found[name]["requests"]
    rows = re.findall(r"<tr.*?><td>(.*?)</td><td.*?>(.*?)</td>", system.text("reports/drills.html"))
    assert {name for name, result in rows if result == "passed"} == {*found}
    assert (system.poe("versions").stdout, system.poe("audit", "list").stdout) == before


def test_year_runs_by_itself(system: Project):
    printed = system.process("loop", "--months", "2", "--rows", "300", "--seed", "1").stdout
    loop = system.json("reports/loop.json")
    assert [one["fault"] is not None for one in loop["months"]] == [True, True]
    assert all(one["evidence"]["recovered"] for one in loop["months"])
    assert (loop["human_actions"], loop["wrong_remediations"]) == (0, 0)
    assert "0 human actions needed, 0 wrong remediations" in printed
    assert "0 human actions needed" in system.text("reports/loop.html")
