"""Faults of the machine and of concurrent use: one clear message, and nothing is lost."""

import subprocess
from collections.abc import Callable

import pytest
from harness.projects import md5
from harness.template import Project, clean_environment

Stage = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def on_full_disk(churn: Project, tool: Callable[[str], str]) -> Stage:
    """Run a stage where no file above 20 kB can be written."""
    limited = (tool("prlimit"), "--fsize=20000", churn.path / ".venv/bin/python", "-m", churn.answers["package_name"])
    return lambda stage: churn.run(*limited, stage, rc=1)


@pytest.mark.parametrize(("stage", "said"), [("split", "data/train.parquet"), ("train", "models/model.joblib")])
def test_full_disk_is_told_in_a_line_and_leaves_the_old_file(churn, on_full_disk, stage, said):
    before = md5(churn.path / said)
    assert on_full_disk(stage).stderr == f"{stage}: {said} cannot be written: File too large\n"
    assert md5(churn.path / said) == before
    assert not [*(churn.path / said).parent.glob(".*.partial")]


def test_registry_on_a_full_disk_is_told_and_works_once_there_is_room(churn, on_full_disk):
    (line,) = on_full_disk("register").stderr.splitlines()
    assert line.startswith("register: MLflow at sqlite:///")
    assert len(line) < 200, "no SQL"
    assert "is the challenger" in churn.poe("register").stdout
    assert churn.run("git", "status", "--porcelain", "mlflow*").stdout == ""


def test_second_pipeline_at_once_is_told_who_is_in_the_way(churn):
    stages = churn.path / "dvc.yaml"
    stages.write_text(stages.read_text().replace(" validate split\n", " validate split && sleep 8\n"))
    first = subprocess.Popen(
        ["uv", "run", "dvc", "repro", "prepare"],
        cwd=churn.path,
        env={**clean_environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert first.stdout is not None
    next(line for line in first.stdout if line.startswith("Running stage"))
    stderr = churn.poe("pipeline", rc=1).stderr
    first.communicate()
    assert "is busy, it is being blocked by" in stderr
    assert "(PID " in stderr
    assert first.returncode == 0
