# Managed by copier-mlops: an update merges with your edits.
"""Who may approve: a person whom GitHub authenticated, and another one than the author of the version."""

from mlflow.entities.model_registry import ModelVersion

from ..approval import Approval, login_of_commit
from ..governance import Governance


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each rule about approvers in `config/governance.yaml` that the approval breaks."""
    rules, lines = Governance.load(), []
    if rules.approval == "github" and not approval.github:
        lines.append(f"{rules.path()} requires an approval on GitHub: run the workflow Promote")
    involved = {name.casefold() for name in _involved(version, approval)} if rules.four_eyes else set()
    if all(approver.casefold() in involved for approver in approval.approvers):
        lines.append(
            f"{approval.approvers[0]} made it, and {rules.path()} requires four eyes: another person must approve"
        )
    return lines


def _involved(version: ModelVersion, approval: Approval) -> list[str]:
    """Return who made the version or started the promotion, by the names under which approvers are known."""
    if not approval.github:
        return [version.tags.get("author", "")]
    commit = version.tags.get("git_commit")
    return [approval.by, login_of_commit(commit) if commit else ""]
