"""Repositories of others with data, a function that reads it and one that makes a model: what `adopt` is for."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from harness.template import git

ROWS = 120
CSV = "id;seen;minutes;plan;left\n" + "".join(
    f"{number:04};{number % 28 + 1:02}.{number % 12 + 1:02}.2025;{number * 7 % 60};{'basic' if number % 3 else 'gold'};"
    f"{'yes' if number * 7 % 60 > 30 else 'no'}\n"
    for number in range(ROWS)
)
READ = '''import pandas as pd


def {name}(path={path!r}):
    """Read the customers."""
    frame = pd.read_csv(path, sep=";", dtype={{"id": str}})
    return frame.assign(seen=pd.to_datetime(frame["seen"], format="%d.%m.%Y"))
'''
MODEL = '''from sklearn.naive_bayes import GaussianNB


def build_classifier():
    """Return the estimator."""
    return GaussianNB(var_smoothing=1e-7)


def train(x, y):
    """Fit it."""
    return build_classifier().fit(x, y)
'''
SCRIPT = """import pandas as pd
from sklearn.naive_bayes import GaussianNB
frame = pd.read_csv("data/customers.csv", sep=";")
model = GaussianNB().fit(frame[["minutes"]], frame["left"])
"""
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": SCRIPT.splitlines(True)}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})  # fmt: skip
BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
IGNORED = "*.pyc\n.env\nsecret.env\n"


@dataclass(frozen=True)
class Foreign:
    """A repository, and what its team does after it was adopted."""

    name: str
    files: dict[str, str]
    data: str  # module and function that reads the data; empty if the code is in notebooks
    model: str  # module and function that makes the estimator
    found: tuple[str, ...]  # what `adopt` prints that the stages could call
    folder: str = "."  # of the repository, which is adopted
    steps: list[str] = field(default_factory=list)  # commands of docs/adopted.md
    notes: tuple[str, ...] = ()  # what is left to the team
    is_checked: bool = False  # also run the example, style and tests: of one repository of each kind

    def write(self, folder: Path) -> Path:
        """Write it into a folder as a repository with one commit, and return the path that is adopted."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        git("init", "--quiet", folder=folder)
        git("add", "--all", "--force", folder=folder)
        git("commit", "--quiet", "--message", "Before", folder=folder)
        return folder / self.folder


def package(folder: str, *, path: str = "data/customers.csv") -> dict[str, str]:
    """Return a package that reads data and makes a model."""
    return {
        f"{folder}/__init__.py": "",
        f"{folder}/dataset.py": READ.format(name="load_raw", path=path),
        f"{folder}/train.py": MODEL,
        path: CSV,
    }


FOUND = ("dataset.py:4 load_raw(path='data/customers.csv')", "train.py:4 build_classifier()")

FOREIGN = [
    Foreign(
        "plain scripts",
        {
            "README.md": "Run `python train.py`.\n",
            "requirements.txt": "pandas\nscikit-learn\ntomli-w==1.2.0\n",
            "load.py": "import tomli_w\n" + READ.format(name="load_data", path="customers.csv"),
            "train.py": MODEL,
            "customers.csv": CSV,
            ".gitignore": IGNORED,
        },
        "load.load_data",
        "train.build_classifier",
        ("load.py:5 load_data(path='customers.csv')", "train.py:4 build_classifier()"),
        steps=["uv add -r requirements.txt"],
        is_checked=True,
    ),
    Foreign(
        "notebook heap",
        {"Untitled1.ipynb": NOTEBOOK, "final/final2.ipynb": NOTEBOOK, "data/customers.csv": CSV, "script.py": SCRIPT},
        "",
        "",
        ("final/final2.ipynb frame = pd.read_csv", "script.py:4 model = GaussianNB()"),
    ),
    Foreign(
        "cookiecutter-data-science",
        {
            **package("churn", path="data/raw/customers.csv"),
            "pyproject.toml": '[build-system]\nrequires = ["flit_core >=3.2,<4"]\nbuild-backend = "flit_core.buildapi"\n\n[project]\n'
            'name = "churn"\nversion = "0.0.1"\ndescription = "Who leaves"\nauthors = [{ name = "Ada Lovelace" }]\nreadme = "README.md"\n'
            'requires-python = "~=3.11"\ndependencies = ["tomli-w"]\n\n[tool.ruff]\nline-length = 99\n\n[tool.ruff.lint]\nselect = ["ALL"]\n',
            "README.md": "# churn\n",
            "Makefile": "lint:\n\truff check\n",
            "tests/test_data.py": "def test_code_is_tested():\n    assert True\n",
            "notebooks/1.0-explore.ipynb": NOTEBOOK,
            ".gitignore": IGNORED + "/data/\n",
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        ("churn/dataset.py:4 load_raw(path='data/raw/customers.csv')",),
    ),
    Foreign(
        "kedro",
        {
            **package("src/churn"),
            "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n[project]\nname = "churn"\n'
            'version = "0.1"\ndependencies = ["tomli-w"]\n\n[tool.kedro]\npackage_name = "churn"\n\n[tool.setuptools.packages.find]\n'
            'where = ["src"]\nnamespaces = false\n\n[tool.pytest.ini_options]\naddopts = "-p no:cacheprovider"\n',
            "conf/base/catalog.yml": "customers:\n  type: pandas.CSVDataset\n",
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        tuple(f"src/churn/{one}" for one in FOUND),
    ),
    Foreign(
        "steps and pipelines",
        {
            **package("steps"),
            "run.py": "from pipelines.training import training\n\ntraining()\n",
            "pipelines/training.py": "from steps.train import train\n\n\ndef training():\n    train()\n",
            "requirements.txt": "scikit-learn\n",
        },
        "steps.dataset.load_raw",
        "steps.train.build_classifier",
        tuple(f"steps/{one}" for one in FOUND),
    ),
    Foreign(
        "Poetry",
        {
            **package("churn"),
            "pyproject.toml": '[tool.poetry]\nname = "churn"\nversion = "0.1.0"\ndescription = ""\nauthors = ["Ada <ada@example.com>"]\n\n'
            '[tool.poetry.dependencies]\npython = "^3.11"\ntomli-w = "*"\n\n[build-system]\nrequires = ["poetry-core"]\n'
            'build-backend = "poetry.core.masonry.api"\n\n[tool.poetry.scripts]\ntrain = "churn.train:train"\n',
            "poetry.lock": "# This file is generated by Poetry\n",
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        tuple(f"churn/{one}" for one in FOUND),
        is_checked=True,
    ),
    Foreign(
        "conda",
        {
            **package("scripts"),
            "environment.yml": "name: churn\ndependencies:\n  - python=3.11\n  - tomli-w\n",
            "readme.rst": "Churn\n=====\n",
        },
        "scripts.dataset.load_raw",
        "scripts.train.build_classifier",
        tuple(f"scripts/{one}" for one in FOUND),
        steps=["uv add tomli-w"],
    ),
    Foreign(
        "setup.py, GitLab",
        {
            **package("churn"),
            "setup.py": 'from setuptools import find_packages, setup\n\nsetup(name="churn", version="1", packages=find_packages(), install_requires=["tomli-w"])\n',
            ".gitlab-ci.yml": "test:\n  script:\n    - pytest\n",
            "tests/conftest.py": "",
            "Dockerfile": "FROM python:3.12\n",
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        tuple(f"churn/{one}" for one in FOUND),
        notes=("tests/conftest.py: the tests of the stages need its fixtures",),
    ),
    Foreign(
        "monorepo",
        {
            "services/web/package.json": "{}\n",
            "README.md": "# All\n",
            **{f"models/churn/{path}": text for path, text in package("customers").items()},
        },
        "customers.dataset.load_raw",
        "customers.train.build_classifier",
        tuple(f"customers/{one}" for one in FOUND),
        folder="models/churn",
    ),
    Foreign(
        "uv, with tables of its own",
        {
            **package("src/churn"),
            "pyproject.toml": '[project]\nname = "churn"\nversion = "0.1.0"\nrequires-python = ">=3.9"\ndependencies = ["tomli-w"]\n\n'
            '[dependency-groups]\ndev = [\n    "iniconfig",\n]\n\n[tool.uv]\npackage = true # ours\n\n'
            '[tool.poe.tasks]\nhello = "echo hello"\n\n' + BUILD,
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        tuple(f"src/churn/{one}" for one in FOUND),
    ),
    Foreign(
        "DVC, with stages and parameters",
        {
            **package("customers"),
            "dvc.yaml": "stages:\n  train:\n    cmd: python -m customers.train\n",
            "params.yaml": "alpha: 0.1\n",
            ".dvc/config": "[core]\n    remote = team\n",
            "requirements.txt": "dvc\n",
        },
        "customers.dataset.load_raw",
        "customers.train.build_classifier",
        tuple(f"customers/{one}" for one in FOUND),
        steps=["git mv params.yaml alpha.yaml", "git commit --quiet -m 'Make way'", "poe level --take params.yaml"],
        notes=("params.yaml: the stages read their parameters there",),
    ),
    Foreign(
        "Windows line ends, formatted by Black",
        {
            path: text.replace("\n", "\r\n")
            for path, text in {
                **package("churn"),
                "pyproject.toml": '[tool.black]\nline-length = 88\n\n[tool.uv]\nmanaged = true\n',
                ".gitignore": IGNORED,
            }.items()
        },
        "churn.dataset.load_raw",
        "churn.train.build_classifier",
        tuple(f"churn/{one}" for one in FOUND),
    ),
]  # fmt: skip
