"""A real server, its log and a label, window by window, and one trace through all of them."""

import subprocess
from typing import Any

from harness.otlp import collector
from harness.projects import change, inside, nobody_listens
from harness.server import eventually, fetched, serving
from harness.template import clean_environment

TRACE, PARENT = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
LABEL = """
import pandas as pd
from {package}.modeling.data import ENTITY, TARGET
from {package}.modeling.labels import TIME
from {package}.monitoring.labels import ingest
print(ingest(pd.DataFrame({{ENTITY: ["e"], TIME: [pd.Timestamp.now("UTC")], TARGET: [1]}})).new)
"""


def test_one_trace_leads_from_the_client_through_server_and_log_to_the_label(autonomous, tmp_path):
    project, package, url = autonomous, autonomous.answers["package_name"], nobody_listens()
    change(project, "config/serving.yaml", drain_seconds=0)
    (row, *_) = inside(project, "predictions.py", package)["rows"]
    python, port = project.path / ".venv/bin/python", url.rpartition(":")[2]
    with collector() as found:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        command = [python, "-m", f"{package}.operations.stream", "--port", port]
        environment = {**clean_environment(), **variables, "STREAM_WINDOW_SECONDS": "2"}

        def spans(name: str) -> list[dict[str, Any]]:
            paths = [tmp_path / str(number) for number in range(len(found.bodies))]
            for path, body in zip(paths, found.bodies, strict=False):
                path.write_bytes(body)
            return [one for one in inside(project, "spans.py", *map(str, paths)) if one["name"] == name]

        with (
            serving(project, **variables) as server,
            subprocess.Popen(command, cwd=project.path, env=environment, stdout=subprocess.PIPE, text=True) as stream,
        ):
            try:
                assert stream.stdout
                eventually("a model", server.ready)
                assert "0 predictions" in next(stream.stdout)  # so that the label below is new to it
                headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Entity-ID": "e"}
                assert server.ask("/predict", {"rows": [row]}, headers=headers).status == 200
                assert any("1 predictions of version 1" in line for line in stream.stdout)
                assert project.python(LABEL.format(package=package)) == "1"
                assert any("1 of 200 labels" in line for line in stream.stdout)
                metrics = fetched(f"{url}/metrics")
                (predicted,) = eventually("a span of the server", lambda: spans("predict"))
                (label,) = eventually("a span of the label", lambda: spans("label"))
            finally:
                stream.kill()
    ended = project.process("stream", "--windows", "1", "--port", port, STREAM_WINDOW_SECONDS="1").stdout
    assert "predictions" in ended
    assert (predicted["trace"], predicted["parent"]) == (TRACE, PARENT)
    assert (label["links"], label["request"]) == ([TRACE], predicted["request"])
    assert f'stream_labels{{model="{project.answers["project_slug"]}"}} 1.0' in metrics
    assert f"request {predicted['request']}, row 0, trace {TRACE}" in project.poe("trace", "e").stdout
