# Managed by copier-mlops: an update merges with your edits.
"""The connection to MLflow and the names in its registry. The server imports this, so it imports no data or model code."""

import logging
import os
import re
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from ..core.errors import UserError
from ..core.settings import Settings
from .verification import verify

CHAMPION = "champion"  # alias of the version in production
CHALLENGER = "challenger"  # alias of the newest version that passed the quality gate
INPUTS = "inputs"  # in the metadata of a registered model: its columns, as `core.inputs` describes them
EXAMPLE = "example"  # in the same place: some rows as a client sends them
FAST_PATH = "model.onnx"  # in the folder of a registered model: the same model as ONNX, for the server
SQL = re.compile(r"\(raised as a result of .*?prematurely\) | \[SQL:.*| \(Background on .*")  # what SQLAlchemy adds
STORES = {"alembic", "azure", "boto3", "botocore", "google", "sqlalchemy"}  # packages whose errors MLflow does not wrap


class Tracking(Settings, env_prefix="TRACKING_"):
    """The schema of `config/tracking.yaml`."""

    model: str
    purpose: Literal["baseline", "features", "tuning", "production"]
    artifacts: str | None = None


@contextmanager
def connected() -> Generator[None]:
    """Connect to MLflow: `mlflow.db`, or the server at MLFLOW_TRACKING_URI.

    Raises:
        UserError: MLflow or its artifact store cannot be reached, or fails in the block.
    """
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it logs what it raises
    for harmless in ("(?s).*integer column", "The specified dataset source can be interpreted in multiple ways"):
        warnings.filterwarnings("ignore", harmless, UserWarning)
    uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{Path('mlflow.db').resolve().as_posix()}")
    try:
        mlflow.set_tracking_uri(uri)
        _initialize(uri)
        yield
    except MlflowException as error:
        raise UserError(f"MLflow at {uri}: {_cause(error)}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in STORES:
            raise
        raise UserError(f"MLflow at {uri}, or its artifacts: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    return SQL.sub("", " ".join(str(error).split()))[:300]


@cache
def _initialize(uri: str) -> None:
    """Make or migrate the tables of a local database; of two processes that start at once, one waits.

    Raises:
        UserError: the file is empty although there were runs: a new database would hide that the registry is lost.
    """
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        with FileLock(f"{path}.lock"):
            # A new database would hide that the registry is lost.
            if path.exists() and path.stat().st_size == 0 and (runs := path.with_name("mlruns")).exists():
                raise UserError(f"{path} is empty: restore it from a copy, or remove it and {runs} for a new registry")
            mlflow.search_experiments(max_results=1)


def registered(client: MlflowClient, model: str) -> RegisteredModel | None:
    """Return a model of the registry, or None if no version was registered yet."""
    try:
        return client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def version_of(model: RegisteredModel | None, alias: str = CHAMPION) -> str | None:
    """Return the version with an alias, or None if no version has it."""
    version = model.aliases.get(alias) if model else None
    return None if version is None else str(version)  # SQLite returns a number, a server a text


def aliases_of(model: str, entries: Sequence[str]) -> list[str]:
    """Return the aliases of a model, its default first: an entry is `ALIAS`, for all models, or `MODEL@ALIAS`."""
    parts = [entry.rpartition("@") for entry in entries]
    return [alias for name, _, alias in parts if name in ("", model)]


def champion(client: MlflowClient, model: str) -> str | None:
    """Return the version that is the champion, or None before the first promotion."""
    return version_of(registered(client, model))


def find(client: MlflowClient, model: str, version: str) -> ModelVersion:
    """Return a version by its number or alias.

    Raises:
        UserError: there is no such version.
    """
    try:
        if version.isdigit():
            return client.get_model_version(model, version)
        return client.get_model_version_by_alias(model, version)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        raise UserError(f"{model} has no version {version}: `poe versions` lists all") from error


def download(model: str, version: str, folder: Path) -> Path:
    """Download the files of a version to a folder, and return where they are; what is loaded of a version is loaded from there.

    Raises:
        UserError: there is no such version, or a module of `registry/verification` refuses it.
    """
    found = find(MlflowClient(), model, version)
    path = Path(mlflow.artifacts.download_artifacts(f"models:/{model}/{found.version}", dst_path=str(folder)))
    verify(found, path)
    return path
