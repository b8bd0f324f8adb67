"""Repositories of others, as small as they can be, and which probes of `copier-mlops maturity` a person would answer by yes."""

from dataclasses import dataclass
from pathlib import Path

FIT = "from sklearn.linear_model import Ridge\nmodel = Ridge().fit(x, y)\n"
PREDICT = "import joblib\nprint(joblib.load('model.pkl').predict(rows))\n"
PIP = {"requirements.txt": "pandas==2.2\nscikit-learn==1.5\n"}
TESTED = {"tests/test_features.py": "def test_it():\n    assert True\n"}
GITHUB = {
    ".github/workflows/ci.yml": "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest\n"
}
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": ["model.fit(x, y)\\n", "model.predict(x)"]}], "metadata": {}}'
ROUTE = "from fastapi import FastAPI\nimport joblib\napp = FastAPI()\nmodel = joblib.load('m')\n"
ROUTE += "@app.post('/predict')\ndef predict(row: dict):\n    return model.predict([row])\n"


@dataclass(frozen=True)
class Shape:
    """A repository."""

    name: str
    files: dict[str, str]
    yes: str  # ids without ML, separated by spaces

    def write(self, folder: Path) -> Path:
        """Write it into a folder, which is returned."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder


SHAPES = [
    Shape("empty", {"README.md": "# Churn\nWe will use mlflow, dvc and great_expectations.\n"}, ""),
    Shape(
        "plain scripts",
        {
            **PIP,
            "README.md": "Run `python train.py`, then `python predict.py`.\n",
            "train.py": FIT,
            "predict.py": PREDICT,
        },
        "001 002 003",
    ),
    Shape("scripts that no command names", {**PIP, "train.py": FIT, "old/predict.py": PREDICT}, "001"),
    Shape("notebook heap", {"a.ipynb": NOTEBOOK, "Untitled.ipynb": NOTEBOOK, "final/b.ipynb": NOTEBOOK}, "004"),
    Shape(
        "notebooks run by papermill",
        {
            **PIP,
            "train.ipynb": NOTEBOOK,
            "Makefile": "train:\n\tpapermill train.ipynb out.ipynb\n",
        },
        "001 002 004",
    ),
    Shape(
        "cookiecutter-data-science",
        {
            "pyproject.toml": '[project]\nname = "churn"\ndependencies = ["pandas", "typer"]\n',
            "Makefile": "data:\n\tpython churn/dataset.py\ntrain:\n\tpython -m churn.modeling.train\ntest:\n\tpytest tests\n",
            "churn/__init__.py": "",
            "churn/modeling/__init__.py": "",
            "churn/modeling/train.py": FIT,
            "churn/modeling/predict.py": PREDICT,
            "churn/plots.py": "plt.savefig('f.png')\n",
            "notebooks/1.0-explore.ipynb": NOTEBOOK,
            **TESTED,
        },
        "001 002 003 004 005 112",
    ),
    Shape(
        "kedro",
        {
            "pyproject.toml": '[tool.kedro]\npackage_name = "churn"\n[project]\ndependencies = ["kedro~=0.19", "kedro-mlflow"]\n',
            "src/churn/__init__.py": "",
            "src/churn/pipeline_registry.py": "from kedro.framework.project import find_pipelines\n",
            "src/churn/pipelines/science/nodes.py": "def train(x, y):\n    return regressor.fit(x, y)\ndef predict(m, x):\n    return m.predict(x)\n",
            "conf/base/catalog.yml": "companies:\n  type: pandas.CSVDataset\n",
            "tests/test_run.py": "def test_run(): pass\n",
        },
        "001 002 003 101",
    ),
    Shape(
        "zenml",
        {
            **PIP,
            "run.py": "from pipelines.training import training\nif __name__ == '__main__':\n    training()\n",
            "pipelines/__init__.py": "",
            "pipelines/training.py": "from zenml import pipeline\nfrom steps.train import train\n@pipeline\ndef training():\n    train()\n",
            "steps/__init__.py": "",
            "steps/train.py": "import mlflow\nfrom zenml import step\n@step\ndef train(x, y):\n    mlflow.sklearn.autolog()\n    return model.fit(x, y)\n",
            "Makefile": "run:\n\tpython run.py\n",
        },
        "001 002 101 104",
    ),
    Shape(
        "mlops-stacks",
        {
            "requirements.txt": "mlflow==2.11\n",
            "databricks.yml": "bundle:\n  name: churn\ninclude:\n  - ./resources/*.yml\n",
            "resources/training.yml": "resources:\n  jobs:\n    train:\n      tasks:\n        - notebook_task:\n            notebook_path: ../training/notebooks/Train.py\n",
            "training/notebooks/Train.py": "import mlflow\nmlflow.autolog()\nmodel = lightgbm.train(p, d)\nmlflow.register_model('runs:/1/model', 'churn')\n",
            "tests/test_features.py": "def test_a(): pass\n",
            ".github/workflows/ci.yml": "jobs:\n  t:\n    steps:\n      - run: pytest\n      - run: databricks bundle deploy -t staging\n",
        },
        "001 002 005 101 104 105 114",
    ),
    Shape(
        "poetry",
        {
            "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\nxgboost = "^2.0"\n[tool.poetry.scripts]\ntrain = "churn.train:main"\n',
            "poetry.lock": "[[package]]\n",
            "churn/__init__.py": "",
            "churn/train.py": "import xgboost as xgb\nimport wandb\ndef main():\n    wandb.init()\n    xgb.train(p, d)\n",
            **TESTED,
            **GITHUB,
        },
        "001 002 005 104 114",
    ),
    Shape(
        "conda",
        {
            "environment.yml": "dependencies:\n  - python=3.11\n  - pandas>=2\n",
            "README.md": "```\nconda env create\npython scripts/train_model.py\n```\n",
            "scripts/train_model.py": FIT,
        },
        "001 002",
    ),
    Shape(
        "GitLab",
        {
            **PIP,
            "train.py": "import mlflow\n" + FIT + "mlflow.log_params({})\n",
            "predict.py": PREDICT,
            **TESTED,
            ".gitlab-ci.yml": "train:\n  script:\n    - python train.py\n    - pytest\ndeploy:\n  when: manual\n  script:\n    - docker build .\n",
            "Dockerfile": "FROM python:3.12\nCMD python predict.py\n",
        },
        "001 002 003 005 104 106 113 114",
    ),
    Shape(
        "monorepo",
        {
            "services/web/package.json": '{"scripts": {"test": "jest"}}',
            "models/churn/requirements.txt": "pandas>=2\n",
            "models/churn/train.py": FIT,
            "models/churn/Makefile": "train:\n\tpython train.py\n",
        },
        "002",
    ),
    Shape(
        "DVC and MLflow",
        {
            **PIP,
            "dvc.yaml": "stages:\n  train:\n    cmd: python src/train.py\n",
            "dvc.lock": "schema: '2.0'\n",
            ".dvc/config": "[core]\n    remote = s3\n",
            "src/train.py": "import mlflow\nmlflow.autolog()\n" + FIT,
            ".github/workflows/ci.yml": "jobs:\n  t:\n    steps:\n      - run: dvc pull && dvc repro\n",
        },
        "001 002 101 102 104",
    ),
    Shape(
        "DVC and MLflow in comments only",
        {
            **PIP,
            "train.py": '"""Later: mlflow.autolog()"""\n# mlflow.log_params(p)\n' + FIT,
            "Makefile": "train:\n\tpython train.py\n",
            "docs/plan.md": "dvc repro, great_expectations, canary\n",
        },
        "001 002",
    ),
    Shape(
        "API without anything else",
        {
            **PIP,
            "app/main.py": ROUTE,
            "Dockerfile": 'FROM python:3.12\nCMD ["uvicorn", "app.main:app"]\n',
            "docker-compose.yml": "services:\n  api:\n    build: .\n",
        },
        "001 003 108 113",
    ),
    Shape(
        "Airflow with drift",
        {
            "requirements.txt": "apache-airflow==2.9\nevidently==0.4\n",
            "dags/weekly.py": "from airflow import DAG\nfrom churn.drift import check\nwith DAG('weekly', schedule='@weekly') as dag:\n    pass\n",
            "churn/__init__.py": "",
            "churn/drift.py": "from evidently.report import Report\ndef check(): pass\n",
        },
        "001 101 203 205",
    ),
    Shape(
        "declared but not called",
        {
            "requirements.txt": "mlflow\noptuna\ngreat-expectations\nevidently\n",
            "train.py": FIT,
            "unused/track.py": "import mlflow\nmlflow.autolog()\n",
            "k8s/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
            "Makefile": "train:\n\tpython train.py\n",
        },
        "001 002",
    ),
    Shape(
        "R",
        {
            "renv.lock": '{"R": {}, "Packages": {"glm": {}}}',
            "train.R": "model <- glm(y ~ x)\n",
            "README.md": "`Rscript train.R`\n",
        },
        "001 002",
    ),
    Shape(
        "SageMaker and Terraform",
        {
            **PIP,
            "pipelines/run.py": "from sagemaker.workflow.pipeline import Pipeline\nfrom sagemaker.model_monitor import DataCaptureConfig\nDataCaptureConfig(True)\n",
            "infra/main.tf": 'resource "aws_sagemaker_endpoint" "e" {}\nresource "aws_cloudwatch_metric_alarm" "a" {}\n',
            ".github/workflows/cd.yml": "jobs:\n  d:\n    steps:\n      - run: terraform apply\n      - run: python pipelines/run.py\n",
        },
        "001 101 116 117 201",
    ),
    Shape(
        "Jenkins, W&B and a canary",
        {
            "Pipfile": '[packages]\nwandb = "*"\n',
            "Jenkinsfile": "pipeline { stages { stage('t') { steps { sh 'python train.py && tox' } } } }\n",
            "tox.ini": "[testenv]\ncommands = pytest\n",
            **TESTED,
            "train.py": "import wandb\nwandb.init()\n" + FIT,
            "deploy/rollout.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n  strategy:\n    canary:\n      steps:\n        - setWeight: 10\n",
            "argocd/app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
        },
        "001 002 005 104 114 116 206",
    ),
]
