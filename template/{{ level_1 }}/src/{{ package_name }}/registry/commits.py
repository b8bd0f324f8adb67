# Managed by copier-mlops: an update merges with your edits.
"""The commits of this clone that contain the code of a version, and the `dvc.lock` of its data and model."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import yaml
from mlflow.entities.model_registry import ModelVersion

from ..core.lineage import CODE, code_hash, git

DVC_LOCK = "dvc.lock"
LOCKS = f":(glob)**/{DVC_LOCK}"  # every pipeline has one
REFERENCES = ["HEAD", "--branches", "--remotes", "--tags"]
MAX_COMMITS = 200  # that are searched for the code


@dataclass(frozen=True)
class Commits:
    """Where a version can be restored from: the same commit for both, or None for what was never committed."""

    code: str | None
    outputs: str | None

    @property
    def missing(self) -> str:
        """Return what no commit contains, in words; empty if nothing is missing."""
        names = {"code": self.code, f"{DVC_LOCK} (data and model)": self.outputs}
        return " and ".join(name for name, commit in names.items() if commit is None)

    @property
    def restore(self) -> str:
        """Return the command that restores code, data and model, or a sentence about what is missing."""
        if self.missing:
            return f"no commit of this clone contains its {self.missing}; only the registry has the model"
        lock = "" if self.code == self.outputs else f" && git checkout {self.outputs} -- '{LOCKS}'"
        return f"git checkout {self.code}{lock} && uv run dvc pull"


def commits_of(version: ModelVersion) -> Commits:
    """Return the commits that contain what a version was made from, if possible one that contains all of it."""
    with_code, with_outputs = _commits_with_code(version), _commits_with_outputs(version)
    both = chain(
        (commit for commit in with_outputs if _has_code(version, commit)),
        (commit for commit in with_code if _has_outputs(version, commit)),
    )
    if commit := next(both, None):
        return Commits(commit, commit)
    return Commits(next(iter(with_code), None), next(iter(with_outputs), None))


def output_hashes(revision: str) -> set[str]:
    """Return the DVC hashes of all pipeline outputs, as committed at a revision."""
    locks = [path for path in git("ls-tree", "-r", "--name-only", revision).split("\n") if Path(path).name == DVC_LOCK]
    contents = [yaml.safe_load(git("show", f"{revision}:./{path}")) for path in locks]
    outputs = [out for lock in contents for stage in lock["stages"].values() for out in stage.get("outs", [])]
    return {out["md5"] for out in outputs}


def _commits_with_outputs(version: ModelVersion) -> list[str]:
    """Return the commits that brought the hash of the model into a `dvc.lock`, merges included, the newest first."""
    if not (model := version.tags.get("model_md5")):
        return []
    found = git("log", "--format=%H", "--diff-merges=separate", f"-S{model}", *REFERENCES, "--", LOCKS)
    return [commit for commit in dict.fromkeys(found.split()) if _has_outputs(version, commit)]


def _commits_with_code(version: ModelVersion) -> list[str]:
    """Return the commits that contain the code: the one on which it was trained, or later ones."""
    trained_on = version.tags.get("git_commit", "")
    if not git("rev-parse", "--verify", "--quiet", f"{trained_on}^{{commit}}"):
        return []
    limits = [f"--max-count={MAX_COMMITS}", f"^{trained_on}"]
    later = git("log", "--format=%H", *limits, *REFERENCES, "--", *CODE)
    return [commit for commit in [trained_on, *later.split()] if _has_code(version, commit)]


def _has_code(version: ModelVersion, commit: str) -> bool:
    return code_hash(commit) == version.tags.get("code_sha256")


def _has_outputs(version: ModelVersion, commit: str) -> bool:
    return {version.tags.get("model_md5"), version.tags.get("data_md5")} <= output_hashes(commit)
