"""Retraining in a real project: new data, decision, candidate, validation before deployment, promotion."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from harness.projects import change, commands
from harness.server import eventually, serving
from harness.template import Project

PAGES = ["docs/levels/2.md", "docs/runbooks/drift.md", "docs/runbooks/labels.md", "docs/runbooks/retraining.md"]
SOON = {"MONITORING_LABEL_DELAY_HOURS": "0", "MONITORING_HISTORY": "1"}
COMMANDS = [  # of these pages, in an order in which each has something to do
    "uv run poe labels",
    "uv run poe monitor",
    "uv run poe new-data --from-log",
    "uv run dvc checkout data/partitions.dvc",
    "uv run poe retrain",
    "uv run poe check-deployment",
    "uv run poe pipeline",
    "uv run poe audit list",
]
ELSEWHERE = re.compile(
    "poe (replay|serve|exporter|experiment|drill|year|search|cost|sagemaker|promote|new-data( FILE)?$|monitor --(start|end)"
    "|canary-check|shadow|trace)"
)
YESTERDAY = """
import datetime, pathlib, pandas as pd
for path in [*pathlib.Path("data").glob("predictions/*/*.parquet"), *pathlib.Path("data/labels").glob("*.parquet")]:
    rows = pd.read_parquet(path)
    time = "time" if "time" in rows else "label_time"
    rows[time] -= pd.Timedelta(days=1)
    day = f"date={rows[time].iloc[0].date()}"
    new = path.parent.with_name(day) / path.name if time == "time" else path.with_stem(day)
    new.parent.mkdir(exist_ok=True)
    rows.to_parquet(new, index=False)
    path.unlink()
"""
NEXT_MONTH = """
import pandas as pd
from customer_churn.drills.harness.months import next_rows
next_rows().to_parquet("new.parquet")
"""


def record(project: Project) -> dict[str, Any]:
    return project.json("reports/retrain.json")


def typed(project: Project) -> set[str]:
    """Return the commands of the pages, without those that other tests run."""
    found = {command for page in PAGES for command in commands(project.text(page))}
    return {command for command in found if not ELSEWHERE.search(command)}


def test_quiet_day_changes_nothing(looping):
    before = looping.text("dvc.lock")
    assert "retrain: no, nothing calls for another model" in looping.process("retrain", "--today", "2026-07-01").stdout
    assert not record(looping)["decided"]
    assert looping.text("dvc.lock") == before
    assert "retraining declined" in looping.poe("audit", "list").stdout


def test_rows_of_the_log_lead_to_a_candidate_and_its_evidence(looping):
    """The commands of the docs, each once, after a day with predictions and labels."""
    project = looping
    change(project, "config/serving.yaml", drain_seconds=0)
    with serving(project) as server:
        eventually("a model", server.ready)
        project.poe("replay", "--server", server.url)
    entity = project.python("import pandas as pd; print(pd.read_parquet('data/test.parquet')['customer_id'].iloc[0])")
    traced = project.process("trace", entity).stdout
    assert traced.index("promotion done") < traced.index("decided since then:\n  nothing")
    project.python(YESTERDAY)
    assert typed(project) == {*COMMANDS}
    for command in COMMANDS:
        project.run("bash", "-euo", "pipefail", "-c", command, **SOON)
    assert "data/partitions" in yaml.safe_load(project.text("dvc.yaml"))["stages"]["ingest"]["deps"]
    assert len(yaml.safe_load(project.text("dvc.lock"))["stages"]["ingest"]["deps"]) == 3
    found = record(project)
    assert (found["decided"], found["candidate"], found["blockers"]) == (True, "2", [])
    assert found["comparison"]["rows"] == project.json("reports/run.json")["test_rows"]
    assert "version 2 waits for approval" in found["outcome"]
    evidence = project.text("reports/retraining.md")
    assert "new to both" in evidence
    project.poe("report")
    assert "<h2>Retraining</h2>" in project.text("reports/index.html")
    project.commit("New data and model")
    project.poe("promote", "--version", "2", "--approved-by", "Ada")
    assert "retrain: no" in project.poe("retrain").stdout


def test_bad_batch_is_one_line_and_leaves_the_project_as_it_was(looping):
    looping.python(NEXT_MONTH + "pd.read_parquet('new.parquet').assign(contract='weekly').to_parquet('new.parquet')")
    refused = looping.process("new-data", "new.parquet", rc=1)
    assert "contract: expect_column_values_to_be_in_set" in refused.stderr
    assert not (looping.path / "data/partitions").exists()
    assert "data/partitions" not in looping.text("dvc.yaml")


def test_check_before_deployment_names_what_failed(looping):
    done = looping.process("check-deployment", rc=None)
    result = {one["name"]: one for one in looping.json("reports/deployment.json")["checks"]}
    assert result.keys() == {"data", "gate", "comparison", "model card", "slices", "size", "server"}
    assert result["server"]["passed"], done.stderr
    assert not (looping.path / "data/predictions").exists(), "its requests are no predictions of clients"
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
    looping.python(f"from customer_churn.core.alerts import Alert, record; assert record(Alert(**{json.dumps(alert)}))")
    looping.python(
        "from customer_churn.training.decision import decide; from customer_churn.registry.client import connected; import datetime\n"
        "with connected(): decide(datetime.date(2026, 7, 1))"
    )
    assert record(looping)["reason"] == "DataDrift fires since 2100-01-01T00:00"
