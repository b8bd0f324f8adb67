# Managed by copier-mlops: an update merges with your edits.
"""What a model was made from: code, data and environment."""

import getpass
import hashlib
import os
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from packaging.requirements import Requirement
from pydantic import BaseModel

from .io import require
from .paths import MODEL, PARAMS, RAW

LOCK = Path("uv.lock")
PACKAGE = __name__.partition(".")[0]
PIPELINE = Path(__file__).parents[1].name  # the package that has the pipeline: this one, or the one that it extends
# What decides how a model comes out; as in dvc.yaml, an edit of the server is not among it.
CODE = [f"src/{PACKAGE}/modeling", f"src/{PIPELINE}/pipeline", PARAMS.as_posix(), "pyproject.toml", "uv.lock"]


class Lineage(BaseModel, frozen=True):
    """DVC's hashes of data and model, the commit, whether the code was committed, and hashes of code and lock file.

    A value is None if it cannot be determined, because there is no Git repository or no lock file.
    """

    data_md5: str
    model_md5: str
    git_commit: str | None = None
    git_clean: bool | None = None
    code_sha256: str | None = None
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
            code_sha256=code_hash() if commit else None,
            uv_lock_sha256=_digest(LOCK, "sha256") if LOCK.exists() else None,
        )

    def tags(self) -> dict[str, str]:
        """Return the values that are known as tags for MLflow, which takes text only."""
        return {name: str(self.__dict__[name]) for name in Lineage.model_fields if self.__dict__[name] is not None}


def code_hash(revision: str | None = None) -> str:
    """Return the hash of the code as committed at a revision, or as it is in this folder.

    A model of uncommitted code can so be found again in the commit that contains the code later.
    """
    return hashlib.sha256(git("ls-tree", revision or _tree(), "--", *CODE).encode()).hexdigest()


def author() -> str:
    """Return the user's name in Git, or else on this machine."""
    return git("config", "user.name") or getpass.getuser()


def requirements() -> list[str]:
    """Return the installed versions of the dependencies in pyproject.toml, which are what the model needs."""
    declared = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    tables = (("project", "dependencies"), ("dependency-groups", "model"))  # `model` of an adopted repository
    needed = [Requirement(line) for table, key in tables for line in declared.get(table, {}).get(key, [])]
    return [f"{one.name}=={version(one.name)}" for one in needed if one.marker is None or one.marker.evaluate()]


def dvc_hash(path: Path) -> str:
    """Return the hash by which DVC identifies a file."""
    return _digest(path, "md5")


def git(*arguments: str, **variables: str) -> str:
    """Return the output of a Git command, or an empty string if it fails: no Git, or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            encoding="utf-8",  # Git's, on Windows too
            errors="replace",
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.rstrip()


def _tree() -> str:
    """Return Git's tree of the code in this folder, by an index of its own: the user's is left as it is."""
    with TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git("read-tree", "HEAD", **index)
        git("add", "--all", "--", *(path for path in CODE if Path(path).exists()), **index)
        return git("write-tree", **index)


def _digest(path: Path, algorithm: str) -> str:
    with require(path).open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
