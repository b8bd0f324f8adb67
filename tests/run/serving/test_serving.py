"""The server predicts as the trained model does, under load, bad input, reloads, restarts and failures."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.projects import INSIDE, change, inside, nobody_listens
from harness.server import Crowd, Server, eventually, registry_at, serving
from harness.template import Project
from playwright.sync_api import Browser

Versions = tuple[Project, str, str]


def promote(project: Project, version: str) -> None:
    project.poe("promote", "--version", version, "--approved-by", "Grace")


@pytest.fixture
def project(versions: Versions) -> Project:
    """Return the default project without a champion, whose server looks for one every half second."""
    project, *_ = versions
    change(project, "config/serving.yaml", reload_seconds=0.5, drain_seconds=2)
    return project


@pytest.fixture
def server(project: Project, versions: Versions) -> Iterator[Server]:
    """Return a server that has the first version."""
    promote(project, versions[1])
    with serving(project) as server:
        eventually("a model", server.ready)
        yield server


def body_of(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"rows": rows}).encode()


@pytest.fixture
def rows(project: Project) -> list[dict[str, Any]]:
    """Return the test rows."""
    return inside(project, "predictions.py", project.answers["package_name"])["rows"]


def test_server_waits_for_a_champion_and_predicts_as_the_trained_model_does(project, versions):
    expected = inside(project, "predictions.py", project.answers["package_name"])
    with serving(project) as server:
        assert server.ask("/v2/health/live").status == 200
        assert "no model yet" in server.ask("/v2/health/ready").json["error"]
        assert server.ask("/predict", {"rows": expected["rows"]}).status == 503
        promote(project, versions[1])
        eventually("a champion", server.ready)
        answer = server.ask("/predict", {"rows": expected["rows"]}).json
        assert "by its onnx path" in server.log
    assert [row["prediction"] for row in answer["predictions"]] == expected["prediction"]
    found = [[*row["probabilities"].values()] for row in answer["predictions"]]
    assert found == [pytest.approx(row, abs=1e-5) for row in expected["probabilities"]]


def test_new_champion_is_served_without_a_lost_request(server, project, versions, rows):
    _, first, second = versions
    crowd = Crowd(server, body_of(rows[:1]))
    with crowd.asking(clients=4):
        eventually("answers", lambda: crowd.answers)
        promote(project, second)
        eventually("the new champion", lambda: crowd.answers[-1].json.get("version") == second)
        project.poe("rollback")
        eventually("the old champion", lambda: crowd.answers[-1].json.get("version") == first)
    assert crowd.lost == []
    assert {answer.status for answer in crowd.answers} == {200}


def test_no_request_is_lost_when_the_server_stops(server, rows):
    crowd = Crowd(server, body_of(rows[:50]))
    with crowd.asking(clients=8):
        eventually("answers", lambda: len(crowd.answers) > 50)
        server.process.send_signal(signal.SIGTERM)
        eventually("a server that is not ready", lambda: not server.ready())
        answered = len(crowd.answers)
        eventually("answers nevertheless", lambda: len(crowd.answers) > answered)
    assert crowd.lost == []
    assert {answer.status for answer in crowd.answers} == {200}
    assert server.process.wait(60) == 0


def test_ctrl_c_ends_the_server_without_a_traceback(server):
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(60) == 0
    assert "Traceback" not in server.log


def test_any_bad_request_gets_one_line_and_no_traceback(server, rows):
    spoilt = [{**rows[0], "tenure_months": "long"}]
    statuses = {
        b"x" * 10_000_000: 413,
        body_of(rows * 3): 413,
        body_of(spoilt): 422,
        body_of([{**rows[0], "contract": None}]): 422,
        body_of([{**rows[0], "contract": "unknown in training"}]): 200,
        body_of(rows[:1]).replace(b'"tenure_months": ', b'"tenure_months": NaN, "unknown": '): 422,
        b"\xff\xfe": 400,
        b"": 400,
    }
    for body, status in statuses.items():
        answer = server.ask("/predict", body)
        assert answer.status == status, body[:80]
        assert status == 200 or len(answer.json["error"]) < 400
    error = server.ask("/predict", {"rows": spoilt}).json["error"]
    assert "rows.0.tenure_months: Input should be a valid number" in error
    assert "Traceback" not in server.log
    assert server.ready()


def test_any_json_is_answered_or_rejected(project):
    script = INSIDE / "fuzz.py"
    done = project.run("uv", "run", "--with", "hypothesis", "python", script, "-", project.answers["package_name"])
    seen = json.loads(done.stdout.splitlines()[-1])
    assert min(seen["answered"], seen["refused"]) > 10


def test_client_that_disconnects_within_its_request_is_no_error(server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    eventually("a count", lambda: 'code="499"' in server.ask("/metrics").text)
    assert "Traceback" not in server.log


def test_version_with_damaged_files_is_logged_and_the_current_one_keeps_serving(server, project, versions, rows):
    _, first, second = versions
    damaged = Path(inside(project, "source.py", second)) / "model.onnx"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:1000])
    try:
        promote(project, second)
        eventually("a line", lambda: "with the alias champion cannot be loaded" in server.log)
        assert server.ask("/predict", body_of(rows[:1])).json["version"] == first
        assert 'outcome="failed"} 0.0' not in server.ask("/metrics").text
        assert "Traceback" not in server.log
    finally:
        damaged.write_bytes(whole)
    eventually(
        "the version once it is whole", lambda: server.ask("/predict", body_of(rows[:1])).json["version"] == second
    )


def test_model_without_an_onnx_form_is_served_natively(project, versions, rows):
    expected = inside(project, "predictions.py", project.answers["package_name"])
    fast = Path(inside(project, "source.py", versions[1])) / "model.onnx"
    whole = fast.read_bytes()
    fast.unlink()
    try:
        promote(project, versions[1])
        with serving(project) as server:
            eventually("a model", server.ready)
            answer = server.ask("/predict", {"rows": rows}).json
            assert 'fast_path="native"' in server.ask("/metrics").text
    finally:
        fast.write_bytes(whole)
    assert [row["prediction"] for row in answer["predictions"]] == expected["prediction"]


def test_registry_that_is_down_at_start_is_logged_and_used_once_it_is_up(project, versions, rows):
    promote(project, versions[1])
    address = nobody_listens()
    with serving(project, MLFLOW_TRACKING_URI=address, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1") as server:
        eventually("a line", lambda: f"cannot be loaded: UserError: MLflow at {address}" in server.log)
        assert not server.ready()
        assert address not in server.ask("/v2/health/ready").text
        with registry_at(address, project):
            eventually("a model", server.ready)
        time.sleep(2)
        assert server.ask("/predict", body_of(rows[:1])).status == 200
        assert "Traceback" not in server.log


def test_documentation_page_sends_an_example_request(server, browser: Browser):
    page = browser.new_page()
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    page.goto(f"{server.url}/docs")
    page.get_by_role("button", name="POST /predict").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table").first.inner_text()
    page.close()
    assert '"probabilities"' in answer
    assert [url for url in outside if not url.startswith((server.url, "data:", "blob:"))] == []


def test_several_models_are_served_in_one_process(project, versions, rows):
    promote(project, versions[1])
    inside(project, "second_model.py", "second-model", versions[1])
    change(project, "config/serving.yaml", models=["customer-churn", "second-model"])
    with serving(project) as server:
        eventually("both models", server.ready)
        for name in ("customer-churn", "second-model"):
            assert server.ask(f"/predict/{name}", body_of(rows[:1])).json["model"] == name
            assert server.ask(f"/v2/models/{name}/ready").status == 200
        assert "there are customer-churn, second-model" in server.ask("/predict/third", body_of(rows[:1])).text


def test_two_versions_of_a_model_are_served_side_by_side(project, versions, rows):
    _, first, second = versions
    promote(project, first)
    with serving(project, SERVING_ALIASES="champion,challenger") as server:
        path = "/v2/models/customer-churn"
        eventually("both versions", lambda: server.ask(path).json.get("versions") == [first, second])
        answer = server.ask("/predict", body_of(rows[:1])).json
        assert (answer["version"], answer["variant"]) == (first, "champion")
        assert server.ask(f"{path}/versions/challenger/ready").status == 200
        assert f'variant="challenger",version="{second}"' in server.ask("/metrics").text
