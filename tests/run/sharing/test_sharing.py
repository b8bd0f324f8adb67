"""A colleague gets data, model and versions, branches are merged, and a lost registry is filled again."""

import re
import shutil
from pathlib import Path

from harness import environments
from harness.projects import change, md5, registry, stages_run
from harness.template import Project

RESULTS = ("reports/metrics.json", "reports/slices.json")
FILES = ("data/raw.parquet", "data/test.parquet", "models/model.joblib")


def clone_of(project: Project, folder: Path) -> Project:
    """Return a clone with an environment of its own."""
    project.run("git", "clone", "--quiet", project.path, folder)
    clone = Project(folder, project.answers)
    venv = folder / ".venv"
    shutil.copytree(project.path / ".venv", venv, symlinks=True, copy_function=environments.link)
    clone.run("uv", "sync", "--quiet", "--locked")
    return clone


def hashes(project: Project) -> dict[str, str]:
    return {path: md5(project.path / path) for path in FILES}


def test_second_clone_on_a_machine_gets_data_model_and_versions(versions, tmp_path):
    project, first, _ = versions
    project.poe("promote", "--version", first, "--approved-by", "Grace")
    clone = clone_of(project, tmp_path / "second clone")
    refused = clone.poe("pull", rc=1).stderr
    assert "Send them with `uv run poe push` in the clone that has them" in refused
    assert f"run `uv run poe push` in {project.path}" in clone.poe("pull", "--from", str(project.path), rc=1).stderr
    assert "docs/sharing.md" in project.poe("push").stdout
    clone.poe("pull", "--from", str(project.path))
    assert hashes(clone) == hashes(project)
    assert clone.process("versions").stdout == project.process("versions").stdout
    assert "none changed" in clone.process("audit", "verify").stdout
    assert "500 predictions" in clone.process("predict", "data/test.parquet", "--version", "champion").stdout
    assert stages_run(clone.process("pipeline").stdout) == []
    assert clone.run("git", "status", "--porcelain").stdout.split() in ([], ["??", "data/test_predictions.parquet"])


def test_clone_elsewhere_gets_data_and_model_from_a_remote(churn, tmp_path):
    remote = tmp_path / "remote"
    churn.run("uv", "run", "dvc", "remote", "add", "--default", "--force", "team", str(remote))
    (churn.path / "data/loans.csv").write_text("id\n1\n")
    churn.run("uv", "run", "dvc", "add", "data/loans.csv")
    churn.commit("Share data and models")
    churn.poe("push")
    clone = clone_of(churn, tmp_path / "clone")
    printed = clone.poe("pull").stdout
    assert hashes(clone) == hashes(churn)
    assert (clone.path / "data/loans.csv").exists(), "docs/data-source.md: no stage makes it"
    assert "`uv run poe register`" in printed
    assert "`poe register` registers the model trained last" in promotion(clone, rc=1)


def promotion(project: Project, rc: int) -> str:
    done = project.poe("promote", "--version", "challenger", "--approved-by", "Grace", rc=rc)
    return done.stdout + done.stderr


def test_lost_registry_is_filled_by_the_command_that_is_named(churn):
    (churn.path / "mlflow.db").unlink()
    assert stages_run(churn.poe("pipeline").stdout) == []
    assert "`poe register` registers the model trained last" in promotion(churn, rc=1)
    churn.poe("register")
    assert "is the champion" in promotion(churn, rc=0)
    (churn.path / "reports/run.json").unlink()
    assert "`uv run poe register` makes it" in churn.poe("card", rc=1).stderr


def test_branches_with_different_parameters_are_merged_by_one_run_of_the_pipeline(churn):
    def on_branch(name: str, parameter: str, value: float) -> None:
        churn.run("git", "checkout", "--quiet", "-b", name, "first-model")
        text, found = re.subn(rf"(?<=  {parameter}: )[\d.]+", str(value), churn.text("params.yaml"))
        assert found == 1
        (churn.path / "params.yaml").write_text(text)  # as by hand: all other lines stay
        churn.poe("pipeline")
        churn.commit(name)

    on_branch("theirs", "learning_rate", 0.21)
    on_branch("ours", "save_rate", 0.25)
    conflicts = re.findall("Merge conflict in (.*)", churn.run("git", "merge", "theirs", rc=1).stdout)
    assert {"dvc.lock", "reports/metrics.json"} <= {*conflicts} <= {"dvc.lock", *RESULTS}
    printed = churn.poe("pipeline").stdout
    assert stages_run(printed) == ["train", "register"]
    (line,) = [line for line in printed.splitlines() if "git add" in line]
    churn.run("bash", "-euo", "pipefail", "-c", line.partition(": ")[2])
    churn.run("git", "commit", "--quiet", "--no-edit")
    assert churn.run("git", "status", "--porcelain").stdout == ""
    found = registry(churn)
    assert found.challenger == found.newest
    restores(churn, found.newest)


def restores(project: Project, version: str) -> None:
    """Check that the command that `poe lineage` prints brings back what a version was made from."""
    before = hashes(project), project.text("params.yaml")
    (command,) = [line for line in project.poe("lineage", "--version", version).stdout.splitlines() if "again" in line]
    project.run("git", "checkout", "--quiet", "HEAD~1")
    for path in FILES:
        (project.path / path).unlink()
    project.run("bash", "-euo", "pipefail", "-c", command.replace("again", "", 1))
    assert (hashes(project), project.text("params.yaml")) == before


def test_printed_command_restores_a_version_before_and_after_its_release(versions):
    project, first, second = versions
    project.poe("push")
    for change_of_docs in ("Explain", "Explain more"):
        (project.path / "NOTES.md").write_text(change_of_docs)
        project.commit(change_of_docs)
    restores(project, first)
    project.poe("release", "1.2.0", "--version", second)
    restores(project, second)
    project.run("git", "tag", "--delete", "model-v1.2.0")


def test_version_of_code_that_is_committed_later_can_be_restored_and_promoted(churn):
    change(churn, "params.yaml", model__max_iter=60)
    assert "code that is not committed" in churn.poe("pipeline").stdout
    newest = registry(churn).newest
    assert "no commit of this clone contains its code and dvc.lock" in promotion(churn, rc=1)
    assert "no commit of this clone contains" in churn.poe("lineage", "--version", newest).stdout
    churn.commit("Train fewer rounds")
    restores(churn, newest)
    assert f"customer-churn {newest} is the champion" in promotion(churn, rc=0)


def test_rule_may_allow_a_version_that_is_not_committed(churn):
    change(churn, "config/governance.yaml", committed=False)
    change(churn, "params.yaml", model__max_iter=60)
    churn.poe("pipeline")
    assert "is the champion" in promotion(churn, rc=0)
