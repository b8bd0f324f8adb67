# Managed by copier-mlops: an update merges with your edits.
"""What is in use can be restored: its code and its `dvc.lock` are committed."""

from mlflow.entities.model_registry import ModelVersion

from ..approval import Approval
from ..commits import commits_of
from ..governance import Governance


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line if no commit contains what the version was made from, unless `config/governance.yaml` allows that."""
    rules = Governance.load()
    if not rules.committed or not (missing := commits_of(version).missing):
        return []
    remedy = f"commit it, `git fetch` it, or set `committed: false` in {rules.path()}"
    return [f"no commit of this clone contains its {missing}: {remedy}"]
