"""A project with two commits that differ in data and model: each brings its own back, and DVC compares them."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.projects import DEFAULT, STAGES, change, md5, stages_run
from harness.template import Project


@pytest.fixture(scope="module")
def second_commit(first_pipeline: Callable[..., Any], changes: Path | None) -> Iterator[Project]:
    """Return a project with a second commit, which has other data and another model; `first-model` is the first."""
    ran = first_pipeline(**DEFAULT)
    with ran.changed(changes):
        project = ran.project
        change(project, "params.yaml", data__customers=1800, model__max_iter=60)
        assert stages_run(project.poe("pipeline").stdout) == STAGES
        project.commit("Second model")
        project.run("git", "tag", "second-model")
        yield project


@pytest.fixture
def two_commits(second_commit: Project) -> Project:
    """Return the project at its second commit."""
    go_to(second_commit, "second-model")
    return second_commit


def go_to(project: Project, commit: str) -> None:
    """Go to another commit as users do, and fetch what belongs to it."""
    project.run("git", "checkout", "--quiet", commit)
    project.run("uv", "run", "dvc", "checkout")


def test_older_commit_brings_its_data_and_model_back(two_commits):
    files = ("data/raw.parquet", "data/train.parquet", "models/model.joblib")

    def hashes() -> dict[str, str]:
        return {path: md5(two_commits.path / path) for path in files}

    second = hashes()
    go_to(two_commits, "first-model")
    first = hashes()
    assert first == {path: hash_in_lock(two_commits, path) for path in files}
    assert all(first[path] != second[path] for path in files)
    assert stages_run(two_commits.poe("pipeline").stdout) == []
    go_to(two_commits, "second-model")
    assert hashes() == second


def hash_in_lock(project: Project, path: str) -> str:
    """Return the hash of a file in dvc.lock."""
    stages = yaml.safe_load(project.text("dvc.lock"))["stages"].values()
    return next(out["md5"] for stage in stages for out in stage.get("outs", []) if out["path"] == path)


def test_dvc_compares_metrics_and_figures_of_commits(two_commits, tmp_path):
    project = two_commits
    compared = project.run("uv", "run", "dvc", "metrics", "diff", "first-model", "--md").stdout
    accuracy = project.json("reports/metrics.json")["accuracy"]
    (row,) = [line.split("|") for line in compared.splitlines() if "| accuracy" in line]
    assert float(row[4]) == pytest.approx(accuracy, abs=1e-4)
    assert float(row[3]) != float(row[4])
    for command in (["show"], ["diff", "first-model"]):
        out = tmp_path / command[0]
        project.run("uv", "run", "dvc", "plots", *command, "--out", out)
        shown = images(out / "index.html")
        assert {path.name.rpartition("_")[2] for path in shown} >= {"roc.png", "importance.png"}
        assert all(path.is_file() for path in shown)


def images(page: Path) -> list[Path]:
    """Return the files of the images on a page."""
    found: list[Path] = []

    class Images(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            source = dict(attrs).get("src")
            if tag == "img" and source:
                found.append(page.parent / source)

    Images().feed(page.read_text(encoding="utf-8"))
    return found
