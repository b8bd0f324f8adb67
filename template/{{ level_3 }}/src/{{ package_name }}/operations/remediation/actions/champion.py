# Managed by copier-mlops: an update merges with your edits.
"""Actions that change the champion, as `poe rollback` and `poe retrain` do."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from mlflow import MlflowClient

from ....core.alerts import Alert, Labels, record
from ....core.errors import UserError
from ....core.lineage import git
from ....registry.approval import Approval
from ....registry.client import Tracking, champion, connected, find
from ....registry.moves.release import overlay
from ....registry.promotion import rollback as roll_back
from ..settings import Remediation
from ..store import Remedy
from . import Action

IDENTITY = ["-c", "user.name=remediation", "-c", "user.email=remediation@localhost"]


def _before(policy: Remediation) -> dict[str, Any]:
    with connected():
        return {"champion": champion(MlflowClient(), Tracking.load().model)}


def _move(policy: Remediation, remedy: Remedy, to: str | None) -> str:
    """Make a version, or the champion before, the champion, and push the overlay that the cluster follows."""
    if policy.git_push:
        _git("pull", "--quiet", "--rebase", "--autostash")
    details = {"identity": "policy", "reason": remedy.title}
    done = roll_back(Tracking.load().model, to, Approval("remediation", [remedy.approver], details=details))
    if remedy.state == "acting" and _before(policy) == remedy.before:
        raise UserError(f"the champion did not change: {done}")
    if policy.git_push:
        path = overlay().as_posix()
        if git("status", "--porcelain", "--", path):
            _git("commit", "--quiet", "--message", f"Remediation: {done}", "--", path)
        _git("push", "--quiet", "origin", "HEAD")
    return done


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *IDENTITY, *arguments], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UserError(f"git {arguments[0]} failed: {' '.join((done.stderr + done.stdout).split())[:300]}")


def _undo(policy: Remediation, remedy: Remedy) -> str:
    return _move(policy, remedy, remedy.before["champion"])


def _to_safe_version(policy: Remediation, remedy: Remedy) -> str:
    with connected():
        version = find(MlflowClient(), Tracking.load().model, policy.safe_version).version
    return _move(policy, remedy, str(version))


def _retrain(policy: Remediation, remedy: Remedy) -> str:
    """Record the alert as a reason to retrain, and retrain in a process of its own, since that sets variables."""
    since, labels = datetime.fromtimestamp(remedy.since, UTC), Labels(alertname=remedy.alert)
    record(Alert(status="firing", labels=labels, startsAt=since, fingerprint=remedy.fingerprint))
    command = [sys.executable, "-m", "poethepoet", policy.retrain_task]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UserError(f"poe {policy.retrain_task} failed: {' '.join(done.stderr.split())[-300:]}")
    return " ".join(done.stdout.rpartition("retrain: ")[2].split())


rollback = Action(_before, lambda policy, remedy: _move(policy, remedy, None), _undo)
safe_model = Action(_before, _to_safe_version, _undo)
retrain = Action(_before, _retrain, _undo)
