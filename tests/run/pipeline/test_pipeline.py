"""The pipeline of level 1: it runs what changed, comes back to what was, and refuses what misses the quality gate."""

import re
import subprocess
from ast import literal_eval

import pytest
from harness.projects import NOISE, STAGES, change, is_better_than_baseline, md5, models, named, registry, stages_run
from harness.template import git

IMPOSSIBLE = {"classification": {"min_accuracy": 1.01}, "regression": {"min_r2": 1.01}}
BUSINESS = {"classification": {"business__contact_cost": 0.05}, "regression": {"business__top_share": 0.2}}
BLOCKED = ["unshare", "--map-root-user", "--net"]


@pytest.mark.parametrize("model", models(), ids=named)
def test_pipeline_makes_a_good_model_and_registers_it(first_pipeline, model):
    ran = first_pipeline(maturity_level=1, **model)
    assert is_better_than_baseline(ran.project)
    assert "failed the quality gate" not in ran.printed
    found = registry(ran.project)
    assert found.challenger in found.versions


def test_pipeline_is_quiet(ran):
    assert NOISE.findall(ran.printed.replace("_error", "")) == []
    assert len(ran.printed.splitlines()) < 60


def test_pipeline_prints_what_it_does_and_what_to_commit(ran):
    """DVC's advice names dvc.lock alone."""
    started = re.findall(r"^(\w+): [A-Z].+\.$", ran.printed, re.MULTILINE)
    assert started == ["ingest", "validate", "split", "train", "evaluate", "register"]
    (advice,) = re.findall("git add (.+)", ran.printed)
    results = ("metrics", "slices", "validation")
    assert advice.split() == ["dvc.lock", *(f"reports/{name}.json" for name in results)]
    assert "To track the changes" not in ran.printed
    assert "autostage" not in ran.printed


def test_second_pipeline_runs_no_stage(project):
    printed = project.poe("pipeline").stdout
    assert stages_run(printed) == []
    assert printed.count("didn't change, skipping") == len(STAGES)


def test_pipeline_commits_no_data_and_no_model(ran):
    committed = ran.project.run("git", "ls-tree", "-r", "--name-only", "first-model").stdout.splitlines()
    assert {"dvc.lock", "reports/metrics.json", "reports/slices.json", "reports/validation.json"} <= set(committed)
    assert [path for path in committed if path.startswith(("data/", "models/", "mlruns/")) or path == "mlflow.db"] == []


def test_another_business_case_gives_the_same_model_and_another_kpi(project):
    before, model = project.json("reports/metrics.json"), md5(project.path / "models/model.joblib")
    change(project, "params.yaml", **BUSINESS[project.answers["problem_type"]])
    assert stages_run(project.poe("pipeline").stdout) == ["train", "register"]
    assert md5(project.path / "models/model.joblib") == model
    after = project.json("reports/metrics.json")
    assert len({name for name in before if before[name] != after[name]}) == 1


def test_model_that_misses_the_gate_fails_and_is_no_challenger(project):
    before = registry(project)
    change(project, "params.yaml", gate=IMPOSSIBLE[project.answers["problem_type"]])
    done = project.poe("pipeline", rc=None)
    assert done.returncode != 0
    assert stages_run(done.stdout) == ["register"]
    assert re.search(
        r"version \d+ is registered but failed the quality gate: \w+ 0\.\d+ misses min_\w+ 1\.01", done.stderr
    )
    after = registry(project)
    (refused,) = after.versions.keys() - before.versions.keys()
    assert after.versions[refused]["tags"]["validation_status"] == "failed"
    assert "misses" in after.versions[refused]["tags"]["validation_shortfalls"]
    assert after.challenger == before.challenger


def test_run_for_tuning_is_tracked_apart_and_not_registered(project):
    before = registry(project)
    change(project, "config/tracking.yaml", purpose="tuning")
    assert stages_run(project.poe("pipeline").stdout) == ["register"]
    after = registry(project)
    slug = project.answers["project_slug"]
    assert len(after.experiments[f"{slug}/tuning"]) == 1 + len(before.experiments.get(f"{slug}/tuning", []))
    assert after.experiments[f"{slug}/production"] == before.experiments[f"{slug}/production"]
    assert (after.versions, after.challenger) == (before.versions, before.challenger)


def test_pipeline_needs_no_network(churn, tool, lacking):
    if subprocess.run([tool("unshare"), *BLOCKED[1:], "true"], check=False).returncode:
        lacking("a process cannot be cut off from the network here")
    interfaces = churn.run(*BLOCKED, "cat", "/proc/self/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    done = churn.run(*BLOCKED, "uv", "run", "poe", "pipeline", "--force")
    assert stages_run(done.stdout) == STAGES
    assert NOISE.findall(done.stdout + done.stderr) == []


def test_results_in_a_larger_repository_and_the_author_are_read_as_git_writes_them(churn, tmp_path):
    folder = tmp_path / "my models" / "churn"
    (folder / "reports").mkdir(parents=True)
    for name in ("dvc.lock", "reports/größe.json"):
        (folder / name).write_text("{}")
    git("init", "--quiet", folder=tmp_path)
    git("config", "user.name", "Zoë", folder=tmp_path)
    package = churn.answers["package_name"]
    code = (
        f"import os; os.chdir({str(folder)!r}); from {package}.core.lineage import author\n"
        f"from {package}.pipeline.reproduce import results_to_commit; print(ascii([author(), *results_to_commit()]))"
    )
    # Not the encoding of Git's output, as on Windows.
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    printed = churn.run("uv", "run", "python", "-c", code, **ascii_only).stdout
    assert literal_eval(printed) == ["Zoë", "dvc.lock", "reports/größe.json"]
