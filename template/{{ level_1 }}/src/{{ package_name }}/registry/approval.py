# Managed by copier-mlops: an update merges with your edits.
"""Who promotes a version and who approved it: as GitHub recorded it, or as a person on a laptop claims."""

import getpass
import os
from dataclasses import dataclass, field
from typing import Any

import requests

from ..core.errors import UserError
from ..core.lineage import author

ENVIRONMENT = "promotion"  # of the workflow `promote.yml`; its settings name the reviewers
TIMEOUT_SECONDS = 10
# What a runner needs, since it has neither mlflow.db nor audit.db.
REQUIRED = ["MLFLOW_TRACKING_URI", "AUDIT_DATABASE_URL", "GITHUB_TOKEN"]


@dataclass(frozen=True)
class Approval:
    """Who promotes and who approved."""

    by: str
    approvers: list[str]
    github: bool = False  # whether GitHub authenticated these people
    details: dict[str, Any] = field(default_factory=dict)  # evidence for the audit log

    @property
    def status(self) -> str:
        """Return what the audit log records as status."""
        return f"{'approved' if self.github else 'claimed: approved'} by {', '.join(self.approvers)}"

    @property
    def actor(self) -> str:
        """Return what the audit log records as the person who acted."""
        return f"{self.by} on GitHub" if self.github else f"{self.by} (OS user {getpass.getuser()})"


def claimed(approver: str) -> Approval:
    """Return an approval that nothing proves: the names of Git's user, of the user of this machine and of the approver."""
    return Approval(author(), [approver], details={"identity": "claimed"})


def on_github() -> Approval:
    """Return who started this workflow run and who approved it, as GitHub recorded both.

    Source: https://docs.github.com/en/rest/actions/workflow-runs, *Get the review history for a workflow run*.

    Raises:
        UserError: this is no run of the workflow, no one had to approve it, or GitHub cannot be reached.
    """
    if not (run_id := os.environ.get("GITHUB_RUN_ID")):
        raise UserError("name the approver with --approved-by, or run the workflow Promote on GitHub")
    if missing := [name for name in REQUIRED if not os.environ.get(name)]:
        raise UserError(f"{missing[0]} is not set: docs/workflows.md lists what the workflow Promote needs")
    about = _get(f"actions/runs/{run_id}")
    reviews = _get(f"actions/runs/{run_id}/approvals")
    approvers = [review["user"]["login"] for review in reviews if _approves(review)]
    if not approvers:
        raise UserError(f"this run needed no approval: add required reviewers to the environment `{ENVIRONMENT}`")
    details = {"identity": "GitHub", "run": about["html_url"], "commit": about["head_sha"]}
    return Approval(about["triggering_actor"]["login"], [*dict.fromkeys(approvers)], True, details)


def login_of_commit(commit: str) -> str:
    """Return the GitHub user who wrote a commit, or an empty string if GitHub knows none."""
    return (_get(f"commits/{commit}").get("author") or {}).get("login", "")


def _approves(review: dict[str, Any]) -> bool:
    return review["state"] == "approved" and any(one["name"] == ENVIRONMENT for one in review["environments"])


def _get(path: str) -> Any:
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    try:
        response = requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json()
    except requests.RequestException as error:
        raise UserError(f"the approvers cannot be read from GitHub: {error}") from error
