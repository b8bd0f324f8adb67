"""The server on arm64: Debian's Python for it and the wheels of the lock, run by QEMU."""

import pytest
from harness.arm64 import python_of_server
from harness.projects import change, inside, nobody_listens
from harness.server import eventually, registry_at, serving


def test_server_predicts_as_the_model_that_was_trained_on_another_cpu(versions, tmp_path, tool, tool_of_unstable):
    tool("mmdebstrap")
    tool_of_unstable("qemu-aarch64")  # that of stable ends when it imports ONNX Runtime
    project, first, _ = versions
    expected = inside(project, "predictions.py", project.answers["package_name"])
    change(project, "config/serving.yaml", reload_seconds=0.5)
    project.poe("promote", "--version", first, "--approved-by", "Grace")
    python = python_of_server(project, tmp_path)
    address = nobody_listens()
    with registry_at(address, project), serving(project, python, MLFLOW_TRACKING_URI=address) as server:
        eventually("a model", server.ready)
        assert "by its onnx path" in server.log
        predictions = server.ask("/predict", {"rows": expected["rows"]}).json["predictions"]
        found = [[*row["probabilities"].values()] for row in predictions]
        assert found == [pytest.approx(row, abs=1e-5) for row in expected["probabilities"]]
