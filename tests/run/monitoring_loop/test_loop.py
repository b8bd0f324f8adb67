"""From a prediction to a page, a metric and an alert, on the log of a real server."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.projects import change, inside
from harness.prometheus import ask, dashboards_of, filled_in, firing, prometheus, targets_of
from harness.server import Server, eventually, exporting, fetched, serving
from harness.storage import amazon, google
from harness.template import Project

SOON = {"MONITORING_LABEL_DELAY_HOURS": "0", "MONITORING_HISTORY": "1"}


ALARMS = ["DataDrift", "ConceptDrift", "PerformanceBelowGate", "DataQuality", "LabelsLate", "MonitoringStale"]


def alarming(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result of monitoring of two days ago with all that an alert is about."""
    performance = result["performance"]
    return {
        **result,
        "created": str(datetime.now(UTC) - timedelta(days=2)),
        "drift": {**result["drift"], "in_a_row": 2},
        "concept": {**result["concept"], "in_a_row": 2},
        "quality": {**result["quality"], "problems": ["one"]},
        "performance": {**performance, "shortfalls": ["one"], "labeled": performance["due"] // 2},
    }


def log_of(project: Project) -> dict[str, Any]:
    """Return the number of rows in the log that are there now, and of their requests."""
    return inside(project, "prediction_log.py")


def batch(begun: datetime) -> list[str]:
    """Return the arguments for the span of time since the test began."""
    return ["--start", begun.isoformat(), "--end", (datetime.now(UTC) + timedelta(seconds=1)).isoformat()]


@pytest.fixture
def server(looping: Project) -> Iterator[Server]:
    change(looping, "config/serving.yaml", reload_seconds=0.5, drain_seconds=0)
    with serving(looping) as server:
        eventually("a model", server.ready)
        yield server


def test_what_a_server_predicts_is_monitored_with_its_labels_and_every_panel_finds_data(
    server: Server, tmp_path: Path, tool: Callable[[str], str]
):
    project, begun = server.project, datetime.now(UTC)
    program = tool("prometheus")
    printed = project.process("replay", "--server", server.url).stdout
    rows = project.json("reports/run.json")["test_rows"]
    assert f"{rows} rows are predicted; outcomes: {rows} new" in printed
    assert "labels: 0 new" in project.process("labels").stdout
    monitored = project.process("monitor", *batch(begun), **SOON).stdout
    assert f"monitor: {rows} predictions of version 1;" in monitored
    result = project.json("reports/monitoring.json")
    assert (result["rows"], result["version"], result["drift"]["in_a_row"]) == (rows, "1", 0)
    measured, expected = result["performance"]["metrics"]["accuracy"], project.json("reports/metrics.json")["accuracy"]
    assert measured["value"] == pytest.approx(expected)
    assert measured["low"] < expected < measured["high"]
    assert result["kpi"]["low"] < result["kpi"]["value"] < result["kpi"]["high"]
    assert (
        abs(result["performance"]["estimated"]["roc_auc"] - result["performance"]["metrics"]["roc_auc"]["value"]) < 0.05
    )
    page = project.text("reports/monitoring.html")
    assert page.count("data:image/png") == 8
    assert "No drift" in page
    project.poe("report")
    assert "In production" in project.text("reports/index.html")
    with exporting(project) as exporter:
        targets = {"server:8080": server.url, "exporter:9108": exporter}
        with prometheus(project, targets, tmp_path, program, ALARMS) as address:
            names = ("model.json", "data.json")
            panels = [filled_in(one) for name in names for one in targets_of(dashboards_of(project)[name])]
            for expression in panels:
                eventually(f"data for {expression}", lambda expression=expression: ask(address, expression))
            assert ask(address, 'ALERTS{alertstate="firing", job=~".*-monitoring"}') == []
            (project.path / "reports/monitoring.json").write_text(json.dumps(alarming(result)))
            for name in ALARMS:
                eventually(name, lambda name=name: firing(address, name))
        alert = {"status": "firing", "labels": {"alertname": "DataDrift"}, "startsAt": "2026-01-01T00:00:00Z"}
        message = {"alerts": [alert | {"fingerprint": "f"}, alert | {"status": "resolved", "fingerprint": "g"}]}
        assert fetched(f"{exporter}/alerts", message) == "1 new\n"
        assert fetched(f"{exporter}/alerts", message) == "0 new\n"


def test_drifted_rows_are_named_and_two_batches_in_a_row_are_counted(server: Server):
    project = server.project
    project.python(
        "import pandas as pd; table = pd.read_parquet('data/test.parquet');"
        "table.assign(monthly_charge=table['monthly_charge'] * 1.4).to_parquet('data/test.parquet')"
    )
    begun = datetime.now(UTC)
    project.poe("replay", "--server", server.url)
    middle = datetime.now(UTC)
    project.poe("replay", "--server", server.url)
    length = max(middle - begun, datetime.now(UTC) - middle)  # so that the batch before starts before the test
    span = ["--start", middle.isoformat(), "--end", (middle + length).isoformat()]
    printed = project.poe("monitor", *span, **SOON).stdout
    assert "drift in monthly_charge, prediction, 2 in a row" in printed
    assert project.json("reports/monitoring.json")["drift"]["in_a_row"] == 2
    assert (
        "monthly_charge"
        in re.findall(r'class="bad">Drift, 2 in a row: (.*)<', project.text("reports/monitoring.html"))[0]
    )


def test_a_killed_server_loses_at_most_the_last_second(server: Server):
    project = server.project
    rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
    for row in rows[:50]:
        assert server.ask("/predict", {"rows": [row]}).status == 200
    eventually("the first rows in the log", lambda: log_of(project)["rows"] == 50)
    for row in rows[:10]:
        server.ask("/predict", {"rows": [row]})
    server.process.kill()
    server.process.wait()
    found = log_of(project)
    assert 50 <= found["rows"] <= 60
    assert found["requests"] == found["rows"]


def test_a_stopped_server_loses_nothing_and_two_processes_write_beside_each_other(looping: Project):
    project = looping
    change(project, "config/serving.yaml", drain_seconds=0)
    rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
    with serving(project) as first, serving(project) as second:
        for server in (first, second):
            eventually("a model", server.ready)
            for row in rows[:20]:
                assert server.ask("/predict", {"rows": [row]}).status == 200
        assert first.stop() == second.stop() == 0
    assert log_of(project) == {"rows": 40, "requests": 40}


def test_a_full_disk_drops_rows_fires_an_alert_and_fails_no_request(
    looping: Project, tmp_path: Path, tool: Callable[[str], str]
):
    program = tool("prometheus")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        project = looping
        change(project, "config/serving.yaml", drain_seconds=0)
        rows = inside(project, "predictions.py", project.answers["package_name"])["rows"]
        with (
            serving(project, PREDICTION_LOG_PLACE=str(disk / "predictions")) as server,
            prometheus(project, {"server:8080": server.url}, tmp_path / "prometheus", program) as address,
        ):
            eventually("a model", server.ready)
            eventually("a first look", lambda: ask(address, "prediction_log_dropped_rows_total"))
            (disk / "other").write_bytes(b"x" * 60_000)
            for row in rows[:100]:
                assert server.ask("/predict", {"rows": [row]}).status == 200
            dropped = r"\nprediction_log_dropped_rows_total (\S+)"
            eventually("dropped rows", lambda: float(re.findall(dropped, server.ask("/metrics").text)[0]) == 100)
            assert server.log.count("plug-in prediction_log failed in observe") == 1
            assert "No space left on device" in server.log
            eventually("an alert", lambda: firing(address, "PredictionLogDropsRows"))
            (disk / "other").unlink()
            assert server.ask("/predict", {"rows": rows[:1]}).status == 200
            eventually("a row in the log", lambda: [*disk.rglob("*.parquet")])
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def replayed_and_monitored(project: Project, **variables: Any) -> None:
    """Predict the test rows by a server that logs to another place, and monitor what is there."""
    begun = datetime.now(UTC)
    change(project, "config/serving.yaml", drain_seconds=0)
    with serving(project, **variables) as server:
        eventually("a model", server.ready)
        project.poe("replay", "--server", server.url, **variables)
    assert "no drift" in project.poe("monitor", *batch(begun), **SOON, **variables).stdout


def test_log_on_s3_is_written_and_read(looping: Project):
    with amazon("bucket") as storage:
        host = storage.address.removeprefix("http://")
        place = f"s3://bucket/predictions?endpoint_override={host}&scheme=http&allow_bucket_creation=true"
        variables = {"PREDICTION_LOG_PLACE": place, "PREDICTION_LOG_MERGE_SECONDS": "0", **storage.variables}
        replayed_and_monitored(looping, **variables)
        assert not (looping.path / "data/predictions").exists()


def test_log_on_google_cloud_storage_is_written_read_and_forgotten(looping: Project, tmp_path):
    with google(tmp_path, "bucket") as storage:
        host = storage.address.removeprefix("http://")
        place = f"gs://anonymous@bucket/predictions?scheme=http&endpoint_override={host}"
        variables = {"PREDICTION_LOG_PLACE": place, "PREDICTION_LOG_MERGE_SECONDS": "0"}
        replayed_and_monitored(looping, **variables)
        package = looping.answers["package_name"]
        expire = (
            f"from datetime import date, timedelta; from {package}.core.prediction_log import *; "
            "days = [delete_expired(PredictionLog.load(), date.today() + timedelta(days=500)) for _ in range(2)]; "
            "print([len(each) for each in days])"
        )
        assert looping.run("uv", "run", "python", "-c", expire, **variables).stdout == "[1, 0]\n"
