"""Half a year of work of three teams whose projects still run: what each does at level 0, and at each level after it."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.fleet import Work, content, move_into_folder
from harness.lifting import NEWEST, commit, conflicts, lift
from harness.template import Project, git

OWN_DATA = '''"""{mark} Where our contracts come from."""

import pandas as pd

from .params import Data, Split
from .simulator import simulate

ENTITY = "customer_id"
TIMESTAMP = "event_timestamp"
TARGET = "gekündigt"
VALUE = "customer_value"
KNOWN_LATER = ["gekündigt", "customer_value"]
SLICES = ["contract", "Bundesland"]
COLUMNS = {{"churned": "gekündigt", "region": "Bundesland", "monthly_charge": "Beitrag (€)"}}


def ingest(params: Data, seed: int) -> pd.DataFrame:
    """Return one row per contract."""
    return simulate(**params.model_dump(), seed=seed).rename(columns=COLUMNS)


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on and the later rows to test on."""
    ordered = frame.sort_values(TIMESTAMP, kind="stable", ignore_index=True)
    cut = round(len(ordered) * (1 - params.test_share))
    return ordered.iloc[:cut], ordered.iloc[cut:]


def features_and_target(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the feature columns and the target column."""
    return frame.drop(columns=[ENTITY, TIMESTAMP, *KNOWN_LATER]), frame[TARGET]
'''
OWN_CI = """\
# {mark}
name: CI
on: [pull_request]
permissions: {{}}
jobs:
  ours:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ours
"""
NOTEBOOK = '{{"cells": [], "metadata": {{"title": "{mark}"}}, "nbformat": 4, "nbformat_minor": 5}}\n'


def edit(work: Work, path: str, old: str, new: str) -> None:
    """Replace a text that must be there by one with a mark in place of braces."""
    assert old in work.project.text(path), f"{path} has no {old}"
    work.replace(path, old, new)


def add(work: Work, path: str, text: str) -> None:
    """Write a file with a mark."""
    work.write(path, [text.format(mark=work.mark())])


def renamed_columns(work: Work, path: str) -> None:
    """Write the names of our columns to a file of the example's."""
    text = work.project.text(path)
    for old, new in {"churned": "gekündigt", "region": "Bundesland", "monthly_charge": "Beitrag (€)"}.items():
        text = text.replace(f"column: {old}", f'column: "{new}"').replace(f"  {old}:", f'  "{new}":')
    work.write(path, [text])


def formatted(work: Work, width: int) -> None:
    """Format all code; ruff stands in for Black."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "format", "--quiet", "--no-cache", f"--line-length={width}", "."]
    subprocess.run(command, cwd=work.project.path, check=True)


def bank_at_0(work: Work) -> None:
    """Own package name, columns, packages, CI and README; Black; a page and a test moved, another page deleted."""
    work.move("src/customer_churn", "src/loyalty")
    for path in work.files():
        if path not in {"README.md", "docs/glossary/0.md"}:
            work.write(path, [line.replace("customer_churn", "loyalty") for line in work.lines(path)])
    commit(work.project, "Rename")
    add(work, "src/loyalty/modeling/data.py", OWN_DATA)
    add(work, "src/loyalty/modeling/tariffs.py", '"""Our tariffs. {mark}"""\n')
    add(work, "README.md", "# Loyalty\n\n{mark}\n")
    add(work, ".github/workflows/ci.yml", OWN_CI)
    edit(work, "pyproject.toml", '    "joblib>=1.4,<2",\n', '    "httpx>=0.28", # {}\n    "joblib>=1.4,<2",\n')
    edit(work, "pyproject.toml", "[dependency-groups]\n", '[dependency-groups]\nours = ["tabulate>=0.9"] # {}\n')
    edit(work, "pyproject.toml", "[tool.poe.tasks]\n", '[tool.poe.tasks]\nreport = "echo {}"\nteam = "echo our team"\n')
    edit(work, "pyproject.toml", "[tool.ruff]\n", "[tool.black]\nline-length = 100 # {}\n\n[tool.ruff]\n")
    edit(work, "pyproject.toml", "line-length = 120", "line-length = 100 # {}")
    edit(work, "src/loyalty/pipeline/gate.py", 'PLACE = "params.yaml: gate"', 'PLACE = "params.yaml: gate"  # {}')
    edit(work, "params.yaml", "seed: 7", "seed: 11 # {}")
    edit(work, ".gitignore", "# Secrets", "/extracts/ # {}\n\n# Secrets")
    work.move("docs/change-the-model.md", "handbook/change-the-model.md")
    work.move("tests/test_predict.py", "tests/unit/test_predict.py")
    work.delete("docs/my-first-change.md")
    formatted(work, 100)


def bank_at_1(work: Work) -> None:
    """Own expectations, hook, limits of pods, alert and job; a workflow and a page deleted."""
    renamed_columns(work, "expectations/raw.yaml")
    work.insert("expectations/raw.yaml", 1)
    hook = "      - id: ours\n        name: {}\n        language: system\n        entry: echo\n"
    edit(work, ".pre-commit-config.yaml", "    hooks:\n", f"    hooks:\n{hook}")
    edit(work, "dvc.yaml", "    params: [data, seed]\n", "    params: [data, seed] # {}\n")
    edit(work, "deploy/base/deployment.yaml", "memory: 1Gi", "memory: 4Gi # {}")
    edit(work, "config/serving.yaml", "max_rows: 1000 ", "max_rows: 5000 # {} ")
    rule = "  - rules/model-server.yaml\n"
    edit(work, "monitoring/kustomization.yaml", rule, f"{rule}  - rules/ours.yaml # {{}}\n")
    add(work, "monitoring/rules/ours.yaml", "# {mark}\ngroups: []\n")
    edit(work, ".github/workflows/ci.yml", "      - run: echo ours", "      - run: echo ours\n      - run: echo {}")
    work.delete(".github/workflows/pr-checklist.yml")
    work.delete("docs/experiments.md")
    formatted(work, 100)


def bank_at_2(work: Work) -> None:
    """Own labels, and settings of monitoring and retraining; a page deleted."""
    edit(work, "src/loyalty/modeling/labels.py", 'TIME = "label_time"', 'TIME = "bekannt am"  # {}')
    edit(work, "config/monitoring.yaml", "min_rows: 200", "min_rows: 300 # {}:")
    work.insert("config/retraining.yaml", 1)
    work.delete("docs/runbooks/labels.md")


def institute_at_0(work: Work) -> None:
    """Notebooks, names with umlauts, pages of Windows, own image and services; tests and the notebook are deleted."""
    add(work, "notebooks/Erste Übersicht.ipynb", NOTEBOOK)
    add(work, "notebooks/2026-03 größere Stichprobe.ipynb", NOTEBOOK)
    add(work, "src/customer_churn/modeling/größen.py", '"""Größen. {mark}"""\n')
    add(work, "docs/Übersicht der Maße.md", "# Übersicht\n\n{mark}\n")
    add(work, "Dockerfile", "# {mark}\nFROM python:3.12-slim\n")
    add(work, "compose.yaml", "# {mark}\nservices: {{}}\n")
    add(work, "docs/security.md", "# Our rules\n\n{mark}\n")
    add(work, "Makefile", "all: # {mark}\n\tuv run poe train\n")
    for path in ("notebooks/explore.py", "tests/test_data.py", "tests/test_model.py", "AGENTS.md"):
        work.delete(path)
    edit(work, "src/customer_churn/pipeline/plots.py", "import ", "# {}\nimport ")
    edit(work, ".gitattributes", "*.png binary\n", "*.png binary\n# {}\n*.md -text\n")
    for path in ("README.md", "docs/levels/0.md", "docs/your-own-data.md"):
        work.insert(path, 0.5)
        work.write(path, work.lines(path), newline="\r\n")


def institute_at_1(work: Work) -> None:
    """Another purpose of runs; what deploys is deleted."""
    edit(work, "config/tracking.yaml", "purpose: production", "purpose: tuning # {}")
    for path in ("deploy/argocd/applications.yaml", "monitoring/tests/predictions.yaml", ".github/workflows/cd.yml"):
        work.delete(path)
    work.insert("docs/levels/1.md", 0.5)


def institute_at_2(work: Work) -> None:
    """Other settings of a search, and a page with line ends of Windows."""
    work.insert("config/search.yaml", 0)
    work.insert("docs/levels/2.md", 0.3)
    work.write("docs/levels/2.md", work.lines("docs/levels/2.md"), newline="\r\n")


def works_at_0(work: Work) -> None:
    """In a folder of a larger repository, with own policies, teams and operations, and a narrow formatter."""
    add(work, "policies/README.md", "# Our policies\n\n{mark}\n")
    add(work, "teams/customer-churn.yaml", "# {mark}\nteam: customer-churn\n")
    add(work, "src/customer_churn/operations/__init__.py", '"""Our operations. {mark}"""\n')
    add(work, "src/customer_churn/operations/shifts.py", '"""Who is on call. {mark}"""\n')
    add(work, "tasks/ours.toml", "# {mark}\n[tool.poe.tasks]\nours = 'echo ours'\n")
    edit(work, "pyproject.toml", '["tasks/levels.toml"]', '["tasks/levels.toml", "tasks/ours.toml"] # {}')
    edit(work, "pyproject.toml", "line-length = 120", "line-length = 88 # {}")
    tools = '    { include-group = "tools" },\n'
    edit(work, "pyproject.toml", tools, f'{tools}    "pytest-cov>=7", # {{}}\n')
    edit(work, "AGENTS.md", "Write rules of the team here: updates keep them.", "- Numbers in euros. {}")
    edit(work, "src/customer_churn/modeling/model.py", "    estimator = ", "    # {}\n    estimator = ")
    formatted(work, 88)
    move_into_folder(work)


def works_at_1(work: Work) -> None:
    """Own overlay and owners; edits in the services and the server."""
    work.insert("deploy/overlays/production/kustomization.yaml", 1)
    add(work, "deploy/overlays/test/kustomization.yaml", "# {mark}\nresources: [../../base]\n")
    edit(work, ".github/CODEOWNERS", "* @", "/docs/ @writers # {}\n* @")
    edit(work, "compose.yaml", "volumes:\n", "volumes:\n  # {}\n")
    edit(work, "src/customer_churn/serving/app.py", "import ", "# {}\nimport ")
    formatted(work, 88)


def works_at_2(work: Work) -> None:
    """A plug-in of the server, and a page moved."""
    add(work, "src/customer_churn/serving/plugins/ours.py", '"""Ours. {mark}"""\n')
    work.move("docs/runbooks/drift.md", "docs/runbooks/drift-of-data.md")
    work.insert("config/cost.yaml", 1)


@dataclass(frozen=True)
class Team:
    """A team: how it answered, and what it does at each level from 0 on."""

    name: str
    answers: dict[str, Any]
    at: Sequence[Callable[[Work], None]]


TEAMS = [
    Team("bank", {}, (bank_at_0, bank_at_1, bank_at_2)),
    Team(
        "institute",
        {"problem_type": "regression", "framework": "xgboost"},
        (institute_at_0, institute_at_1, institute_at_2),
    ),
    Team("works", {}, (works_at_0, works_at_1, works_at_2)),
]


@dataclass(frozen=True)
class Arrival:
    """A project after its lifts."""

    project: Project
    edits: int
    lost: list[str]
    conflicts: list[str]


def arrive(team: Team, project: Project, stops: Iterable[int]) -> Arrival:
    """Let a team work and lift its project to each stop; in a conflict, its side is taken.

    What it does at a level that is no stop comes after the next one.
    """
    work = Work(project)
    found: set[str] = set()
    done = 0
    for stop in (0, *stops):
        if stop > 0:
            lift(work.project, stop, version=NEWEST)
            for path in conflicts(work.project):
                found.add(path)
                git("checkout", "--ours", "--", path, folder=work.project.path)
            commit(work.project, f"Level {stop}")
        for each in team.at[done : stop + 1]:
            each(work)
            commit(work.project, "Work")
        done = stop + 1
    left = content(work.project)
    lost = [mark for mark in work.marks if mark.encode() not in left]
    lost += [f"{path} is back" for path in work.deleted if (work.project.path / path).exists()]
    return Arrival(work.project, len(work.marks) + len(work.deleted), lost, sorted(found))
