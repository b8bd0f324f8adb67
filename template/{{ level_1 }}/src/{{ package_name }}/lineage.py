# Managed by copier-mlops: an update merges with your edits.
"""What a model was made from: code, data and environment."""

import getpass
import hashlib
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path("uv.lock")
CODE = ["src", "params.yaml", "pyproject.toml", "uv.lock"]


def lineage(data: Path, model: Path) -> dict[str, str]:
    """Return commit, whether the code is as committed, DVC's hashes of `data` and `model`, and the hash of the lock file.

    What cannot be told, for want of Git or of the lock file, is left out.
    """
    found = {"data_md5": dvc_hash(data), "model_md5": dvc_hash(model)}
    if commit := git("rev-parse", "HEAD"):
        found |= {"git_commit": commit, "git_clean": str(not git("status", "--porcelain", "--", *CODE))}
    if LOCK.exists():
        found["uv_lock_sha256"] = _digest(LOCK, "sha256")
    return found


def author() -> str:
    """Return who runs this: their name in Git, or else on this machine."""
    return git("config", "user.name") or getpass.getuser()


def requirements() -> list[str]:
    """Return the versions in use of what pyproject.toml says the model needs."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = (Requirement(line) for line in project["dependencies"])
    return [f"{one.name}=={version(one.name)}" for one in needed if one.marker is None or one.marker.evaluate()]


def dvc_hash(path: Path) -> str:
    """Return the hash by which DVC knows a file."""
    return _digest(path, "md5")


def git(*arguments: str) -> str:
    """Return what Git answers, or nothing if it cannot: it is not there, or this is no repository."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
