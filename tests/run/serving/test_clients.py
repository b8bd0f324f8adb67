"""Clients that people have work with the server: each in an environment of its own, as it is published."""

import json
import sys
from subprocess import run

import pytest
from harness.projects import INSIDE, change, inside
from harness.server import eventually, serving
from harness.template import clean_environment

PACKAGES = {
    "client_triton.py": (["tritonclient[http]==2.73.0"], {"binary", "json", "gzip"}),
    "client_kserve.py": (["kserve==0.21.0"], {"json", "binary"}),
    "client_mlserver.py": (["mlserver==1.7.1", "pandas<3"], {"frame", "tensors"}),
}


@pytest.mark.parametrize("script", PACKAGES)
def test_client_gets_the_predictions_of_the_trained_model(versions, script, tmp_path):
    project, first, _ = versions
    known = inside(project, "predictions.py", project.answers["package_name"])
    change(project, "config/serving.yaml", reload_seconds=0.5)
    project.poe("promote", "--version", first, "--approved-by", "Grace")
    packages, ways = PACKAGES[script]
    with serving(project) as server:
        eventually("a model", server.ready)
        command = ["uv", "run", "--quiet", "--no-project", "--python", sys.executable]
        command += [part for package in packages for part in ("--with", package)]
        done = run(
            [*command, "python", INSIDE / script, server.url, "customer-churn"],
            input=json.dumps(known["rows"]).replace("null", "NaN"),
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers.keys() == ways
    for found in answers.values():
        assert found == [pytest.approx(row, abs=1e-5) for row in known["probabilities"]]
