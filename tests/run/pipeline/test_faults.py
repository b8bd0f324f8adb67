"""Faults of the machine and of concurrent use: one clear message, and nothing is lost."""

import json
import subprocess
from collections.abc import Callable

import pytest
from harness.projects import change, inside, md5
from harness.server import background, eventually
from harness.template import Project, clean_environment

Stage = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def on_full_disk(churn: Project, tool: Callable[[str], str]) -> Stage:
    """Run a stage where no file above 20 kB can be written."""
    limited = (tool("prlimit"), "--fsize=20000", churn.path / ".venv/bin/python", "-m", churn.answers["package_name"])
    return lambda stage: churn.run(*limited, stage, rc=1)


@pytest.mark.parametrize(("stage", "path"), [("split", "data/train.parquet"), ("train", "models/model.joblib")])
def test_full_disk_is_one_line_and_leaves_the_old_file(churn, on_full_disk, stage, path):
    before = md5(churn.path / path)
    assert on_full_disk(stage).stderr == f"{stage}: {path} cannot be written: File too large\n"
    assert md5(churn.path / path) == before
    assert not [*(churn.path / path).parent.glob(".*.partial")]


def test_registry_on_a_full_disk_is_one_line_and_works_once_there_is_room(churn, on_full_disk):
    (line,) = on_full_disk("register").stderr.splitlines()
    assert line.startswith("register: MLflow at sqlite:///")
    assert len(line) < 200, "no SQL"
    assert "is the challenger" in churn.poe("register").stdout
    assert churn.run("git", "status", "--porcelain", "mlflow*").stdout == ""


def test_lock_of_dvc_that_was_cut_off_is_one_line(churn):
    lock = churn.path / "dvc.lock"
    whole = lock.read_text()
    for left in ("", whole[: len(whole) // 2]):
        lock.write_text(left)
        (line,) = churn.poe("pipeline", rc=1).stderr.splitlines()
        assert line.startswith("pipeline: dvc.lock cannot be read")
    lock.write_text(whole)


def test_second_pipeline_at_once_names_the_process_that_blocks_it(churn):
    stages, log, go_on = (churn.path / name for name in ("dvc.yaml", "first.log", "go-on"))
    wait = f"until [ -e {go_on.name} ]; do sleep 0.1; done"
    stages.write_text(stages.read_text().replace(" validate split\n", f" validate split && {wait}\n"))
    environment = {**clean_environment(), "PYTHONUNBUFFERED": "1"}
    with background(["uv", "run", "dvc", "repro", "prepare"], log, cwd=churn.path, env=environment) as first:
        eventually("the stage", lambda: "Running stage" in log.read_text())
        stderr = churn.poe("pipeline", rc=1).stderr
        go_on.touch()
        assert first.wait() == 0, log.read_text()
    assert "is busy, it is being blocked by" in stderr
    assert "(PID " in stderr


def test_command_that_was_killed_before_any_write_is_completed_by_the_same_command(looping):
    """Each change of the registry has its entry, nothing is there twice, and no file is half written."""
    change(looping, "config/governance.yaml", committed=False)
    looping.python("from customer_churn.drills.harness.months import next_rows; next_rows().to_parquet('new.parquet')")
    any_write, finishing = "", "to audit.db|after commit to audit.db|to reports/run.json"
    commands = [
        ("", ["register"], finishing),
        ("registry.promotion", ["promote", "--version", "2", "--approved-by", "Ada"], any_write),
        ("experiments.__main__", ["start", "--version", "1", "--approved-by", "Ada"], any_write),
        ("experiments.__main__", ["stop"], any_write),
        ("training.new_data", ["new.parquet"], any_write),
        ("registry.audit", ["export", "log.csv"], any_write),
    ]
    kills = inside(looping, "kills.py", looping.answers["package_name"], json.dumps(commands))
    assert {tuple(command) for command, *_ in kills} == {(module, *arguments) for module, arguments, _ in commands}
    assert [kill for kill in kills if kill[2] != 0 or kill[3]] == []
