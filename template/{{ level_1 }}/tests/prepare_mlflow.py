# Managed by copier-mlops: an update merges with your edits.
"""A database of MLflow for each project of a test, which keeps its runs to itself."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

# Of MLflow and of what it stores, about themselves.
IGNORED_WARNINGS = ["ignore::DeprecationWarning:mlflow", "ignore::DeprecationWarning:onnx"]

# Stores and people of the team, and overrides of config/: `.env` and CI name them, and no test may reach them.
CONFIG = Path(__file__).resolve().parents[1] / "config"
OUTSIDE = ("MLFLOW_TRACKING_", "AUDIT_", "NOTIFY_", *(f"{path.stem.upper()}_" for path in CONFIG.glob("*.yaml")))


def prepare(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Give the project in `folder` a database without runs."""
    (folder / "mlflow.db").write_bytes(empty_database())
    patch.setenv("MLFLOW_TRACKING_URI", uri(folder))
    patch.setenv("TRACKING_PURPOSE", "production")  # whatever the next run of the team is for


@cache
def empty_database() -> bytes:
    """Return a database that has all tables: to make one takes more than a second."""
    from mlflow import MlflowClient

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows deletes no open file
        MlflowClient(uri(Path(folder))).search_experiments()
        return (Path(folder) / "mlflow.db").read_bytes()


def uri(folder: Path) -> str:
    """Return the address of the database in `folder`."""
    return f"sqlite:///{(folder / 'mlflow.db').as_posix()}"
