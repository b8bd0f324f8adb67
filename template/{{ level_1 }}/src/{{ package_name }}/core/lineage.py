# Managed by copier-mlops: an update merges with your edits.
"""What a model was made from: code, data and environment."""

import getpass
import hashlib
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Self

from packaging.requirements import Requirement
from pydantic import BaseModel

from .paths import MODEL, RAW

LOCK = Path("uv.lock")
CODE = ["src", "params.yaml", "pyproject.toml", "uv.lock"]


class Lineage(BaseModel, frozen=True):
    """Commit, whether the code is as committed, DVC's hashes of data and model, and the hash of the lock file.

    A value is None if it cannot be determined, because there is no Git repository or no lock file.
    """

    data_md5: str
    model_md5: str
    git_commit: str | None = None
    git_clean: bool | None = None
    uv_lock_sha256: str | None = None

    @classmethod
    def collect(cls) -> Self:
        """Return the lineage of the raw data and the model in this folder."""
        commit = git("rev-parse", "HEAD")
        return cls(
            data_md5=dvc_hash(RAW),
            model_md5=dvc_hash(MODEL),
            git_commit=commit or None,
            git_clean=not git("status", "--porcelain", "--", *CODE) if commit else None,
            uv_lock_sha256=_digest(LOCK, "sha256") if LOCK.exists() else None,
        )

    def tags(self) -> dict[str, str]:
        """Return the values that are known as tags for MLflow, which takes text only."""
        return {name: str(self.__dict__[name]) for name in Lineage.model_fields if self.__dict__[name] is not None}


def author() -> str:
    """Return the user's name in Git, or else on this machine."""
    return git("config", "user.name") or getpass.getuser()


def requirements() -> list[str]:
    """Return the installed versions of the dependencies in pyproject.toml, which are what the model needs."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = (Requirement(line) for line in project["dependencies"])
    return [f"{one.name}=={version(one.name)}" for one in needed if one.marker is None or one.marker.evaluate()]


def dvc_hash(path: Path) -> str:
    """Return the hash by which DVC identifies a file."""
    return _digest(path, "md5")


def git(*arguments: str) -> str:
    """Return the output of a Git command, or an empty string if it fails: no Git, or no repository."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
