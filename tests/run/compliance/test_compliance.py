"""Compliance as code: from the findings of a new project to green, and what is refused once something was changed."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from harness.projects import change
from harness.template import Project

DIGEST = f"sha256:{'0' * 64}"
DRILLS = ("rollback", "bad-model", "registry-down")


def findings(printed: str) -> set[str]:
    """Return the names of the open findings that `poe comply` printed."""
    return set(re.findall(r"^  open: ([\w-]+(?::\w[\w -]*)?): ", printed, re.MULTILINE))


def complete(project: Project) -> None:
    """Do what `poe comply` asks for, with evidence in place of drills and of an image, and commit it."""
    (project.path / "reports/drills").mkdir(exist_ok=True)
    evidence = {
        "fault": "a fault",
        "detected_after_seconds": 1,
        "decision": "act",
        "action": "acted",
        "recovered_after_seconds": 2,
        "recovered": True,
        "ended": datetime.now(UTC).isoformat(),
    }
    for name in DRILLS:
        (project.path / f"reports/drills/{name}.json").write_text(json.dumps(evidence))
    project.poe("image", "production", f"ghcr.io/{project.answers['owner']}/customer-churn@{DIGEST}")
    change(
        project, "config/compliance.yaml", verify_image=["echo", "{image}"], required=True, fairness_columns=["region"]
    )


@pytest.fixture
def compliant(autonomous: Project) -> Project:
    """Return a project whose champion meets all requirements."""
    complete(autonomous)
    return autonomous


def test_findings_of_a_new_project_are_listed_until_none_is_open(autonomous, browser):
    project = autonomous
    first = project.poe("comply", rc=1)
    assert findings(first.stdout) == {"fairness", "image:digest", *(f"drills:{name}" for name in DRILLS)}
    assert "name columns of SLICES in data.py under `fairness_columns`" in first.stdout
    assert "uv run poe drill rollback" in first.stdout
    assert "/customer-churn@sha256:DIGEST`, as CD does" in first.stdout
    complete(project)
    assert "customer-churn 1: 0 open, 0 accepted" in project.process("comply").stdout
    assert project.poe("comply", "--verify").stdout.startswith("reports/compliance/evidence.json is what the audit log")
    assert "none changed" in project.poe("audit", "verify").stdout
    project.python(
        "from pathlib import Path; from trestle.oscal.component import ComponentDefinition as Definition;"
        "assert Definition.oscal_read(Path('reports/compliance/oscal.json')).components[0].control_implementations"
    )
    bill = project.json("reports/compliance/sbom.cdx.json")
    packages = project.json("reports/compliance/evidence.json")["packages"]
    assert (bill["specVersion"], "starlette" in packages["serve"]) == ("1.5", True)
    assert "pytest" in packages["tools"]
    page = browser.new_page()
    page.goto((project.path / "reports/compliance.html").as_uri())
    assert page.locator(".tile b").all_inner_texts() == ["0", "0", "12", "12"]
    assert "EU AI Act, Article 14" in page.inner_text("table >> nth=0")


def test_what_was_changed_is_found_and_stops_a_promotion(compliant):
    project = compliant
    project.poe("register")
    project.commit("Second version")
    promote = ("promote", "--version", "2", "--approved-by", "Grace")
    assert "`uv run poe comply --version 2`" in project.poe(*promote, rc=1).stderr
    assert findings(project.poe("comply", "--version", "2", rc=1).stdout) == {"approval"}

    path = project.path / "reports/compliance/evidence.json"
    whole = path.read_text()
    path.write_text(whole.replace('"recovered": true', '"recovered": false', 1))
    edited = "reports/compliance/evidence.json is not what the audit log recorded"
    assert edited in project.poe(*promote, rc=1).stderr
    assert edited in project.poe("comply", "--version", "2", "--verify", rc=1).stderr
    path.write_text(whole)

    today = date.today()
    change(project, "config/compliance.yaml", drills=[])
    assert findings(project.poe("comply", "--version", "2", rc=1).stdout) == {"approval", "drills"}
    assert "drills: nothing in the evidence proves it" in project.poe(*promote, rc=1).stderr
    accepted = {"finding": "drills", "owner": "Grace", "reason": "planned", "until": today - timedelta(days=1)}
    change(project, "config/accepted_findings.yaml", accepted=[accepted])
    assert "drills: nothing in the evidence proves it" in project.poe(*promote, rc=1).stderr
    valid = {**accepted, "until": today + timedelta(days=1)}
    change(project, "config/accepted_findings.yaml", accepted=[valid, {**valid, "finding": "dirlls"}])
    assert "customer-churn 2 is the champion" in project.poe(*promote).stdout
    printed = project.poe("comply").stdout
    assert "0 open, 1 accepted" in printed
    assert "config/accepted_findings.yaml accepts dirlls, which is no finding: correct or remove it" in printed


def test_model_and_audit_log_that_were_tampered_with_are_findings(compliant):
    project = compliant
    (weights,) = (project.path / "mlruns").glob("*/models/*/artifacts/model.onnx")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    printed = project.poe("comply", rc=1).stdout
    assert findings(printed) == {"model-signature"}
    assert "Hash mismatch for model.onnx" in printed
    weights.write_bytes(whole)
    with closing(sqlite3.connect(project.path / "audit.db")) as log:
        log.executescript("drop trigger audit_no_delete; delete from audit_log where event like 'promotion%'")
    assert findings(project.poe("comply", rc=1).stdout) == {"approval", "approval:audit log"}
