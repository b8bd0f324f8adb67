"""Retraining in a real project: new data, decision, candidate, validation before deployment, promotion."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.template import Project

LATER = "2026-09-01"  # than the data of the example by more than the schedule
NEXT_MONTH = """
import pandas as pd
from customer_churn.drills.harness.months import next_rows
next_rows().to_parquet("new.parquet")
"""


@pytest.fixture
def with_new_data(looping: Project) -> Project:
    """Return a project to which a batch was added as a partition, committed."""
    looping.python(NEXT_MONTH)
    added = looping.poe("new-data", "new.parquet")
    assert "data/partitions is a dependency of the stage ingest now" in added.stdout
    (looping.path / "new.parquet").unlink()
    looping.commit("New data")
    return looping


def record(project: Project) -> dict[str, Any]:
    return project.json("reports/retrain.json")


def test_quiet_day_changes_nothing(looping):
    before = looping.text("dvc.lock")
    assert "retrain: no, nothing calls for another model" in looping.poe("retrain", "--today", "2026-07-01").stdout
    assert not record(looping)["decided"]
    assert looping.text("dvc.lock") == before
    assert "retraining declined" in looping.poe("audit", "list").stdout


def test_new_data_is_one_dependency_and_leads_to_a_candidate_that_waits_for_approval(with_new_data):
    project = with_new_data
    assert "data/partitions" in yaml.safe_load(project.text("dvc.yaml"))["stages"]["ingest"]["deps"]
    done = project.process("retrain", "--today", LATER)
    assert "retrain: yes, the data of champion 1 ends 63 days ago" in done.stdout
    found = record(project)
    assert found["comparison"]["rows"] >= 200
    assert len(yaml.safe_load(project.text("dvc.lock"))["stages"]["ingest"]["deps"]) == 3
    if found["blockers"]:
        assert f"version {found['candidate']} is rejected: " in done.stdout
    else:
        assert f"version {found['candidate']} waits for approval" in done.stdout
    project.poe("report")
    assert "<h2>Retraining</h2>" in project.text("reports/index.html")
    again = project.poe("retrain", "--today", LATER)
    assert "retrain: no" in again.stdout
    assert "up to date" in project.process("pipeline").stdout


def test_bad_batch_is_one_line_and_leaves_the_project_as_it_was(looping):
    looping.python(NEXT_MONTH + "pd.read_parquet('new.parquet').assign(contract='weekly').to_parquet('new.parquet')")
    refused = looping.poe("new-data", "new.parquet", rc=1)
    assert "contract: expect_column_values_to_be_in_set" in refused.stderr
    assert not (looping.path / "data/partitions").exists()
    assert "data/partitions" not in looping.text("dvc.yaml")


def test_check_before_deployment_names_what_failed(looping):
    done = looping.process("check-deployment", rc=None)
    result = {one["name"]: one for one in looping.json("reports/deployment.json")["checks"]}
    assert result.keys() == {"data", "gate", "comparison", "model card", "slices", "size", "server"}
    assert result["server"]["passed"], done.stderr
    limits = Path("config/retraining.yaml")
    content = yaml.safe_load(looping.text(limits.as_posix()))
    content["deployment"]["max_megabytes"] = 0.001
    (looping.path / limits).write_text(yaml.safe_dump(content))
    assert "size: " in looping.poe("check-deployment", rc=1).stderr
    assert "Failed" in looping.text("reports/deployment.html")


def test_alerts_of_the_webhook_are_reasons(looping):
    alert = {
        "status": "firing",
        "labels": {"alertname": "DataDrift"},
        "fingerprint": "1",
        "startsAt": "2100-01-01T00:00:00Z",
    }
    looping.python(f"from customer_churn.core.triggers import record; assert record({json.dumps(alert)})")
    looping.python(
        "from customer_churn.training.decision import decide; from customer_churn.registry.client import connected; import datetime\n"
        "with connected(): decide(datetime.date(2026, 7, 1))"
    )
    assert record(looping)["reason"] == "DataDrift fires since 2100-01-01T00:00"
