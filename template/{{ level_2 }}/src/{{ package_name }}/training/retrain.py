# Managed by copier-mlops: an update merges with your edits.
"""Trains the model again if there is a reason to, and opens its promotion: `poe retrain`.

`reports/retrain.json` is written after each step, and each step can be repeated: after a crash the next run goes on with the
decision that was made. A lock keeps a second run on this machine waiting, the audit log one on another machine from acting.
"""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from mlflow import MlflowClient

from ..core.environment import environment
from ..core.errors import UserError, exit_on_user_error
from ..core.io import read_json
from ..core.retraining import Retraining
from ..pipeline import comparison
from ..pipeline.comparison import Comparison
from ..registry import notifications
from ..registry.approval import Approval
from ..registry.audit_log import locked
from ..registry.client import connected
from ..registry.governance import Governance
from ..registry.promotion import promote
from ..reporting.sections import retraining as page
from .decision import FINISHED, Retrained, decide, is_finished, last_registered, log_event, resume

LOCK = Path(".dvc/tmp/retrain.lock")  # of all models: DVC runs one pipeline at a time


def retrain(today: date) -> Retrained:
    """Finish an interrupted retraining, or decide and act; return what came of it.

    Raises:
        UserError: the pipeline failed; the next run tries again.
    """
    with _alone(), connected():
        if found := resume():
            print(f"  goes on with the retraining of {found.created:%Y-%m-%d %H:%M} UTC: {found.reason}")
        else:
            found = decide(today)
        if found.decided:
            found = finish(propose(found if found.candidate else train(found)))
        page.write(found.model_dump(mode="json"))
    return found


def train(decision: Retrained) -> Retrained:
    """Run the pipeline on the rows that are there now, and return the decision with the candidate that it registered.

    There is none if data, code and parameters are those of the last model.

    Raises:
        UserError: the pipeline failed before it registered one.
    """
    from ..pipeline.reproduce import reproduce

    window = {"RETRAINING_WINDOW_DAYS": str(decision.window_days)} if decision.window_days else {}
    with environment(**window):
        succeeded = reproduce(["ingest"], force=True, alone=True) and reproduce([], force=False, alone=False)
    candidate = _registered_since(decision)
    if candidate is None and not succeeded:
        raise UserError("the pipeline failed, see above; nothing was promoted, and the next run tries again")
    compared = Comparison(**read_json(comparison.PATH)) if candidate and comparison.PATH.exists() else None
    trained = decision.model_copy(update={"candidate": candidate, "comparison": compared})
    trained.write()
    return trained


def propose(retrained: Retrained) -> Retrained:
    """Validate the candidate, promote it if the policy allows that, and return what came of it; it is not written yet."""
    from . import deployment

    version = retrained.candidate
    if version is None:
        outcome = "nothing new to learn from: no data, code or parameter has changed"
        return retrained.model_copy(update={"outcome": outcome})
    if problems := deployment.check():
        outcome = f"version {version} is rejected: {'; '.join(problems)}"
        return retrained.model_copy(update={"outcome": outcome, "blockers": problems})
    return retrained.model_copy(update={"outcome": _promoted(retrained, version)})


def _promoted(retrained: Retrained, version: str) -> str:
    """Promote a version if the policy allows it, and return what was done or is to be done."""
    manual = f"version {version} waits for approval: `uv run poe promote --version {version} --approved-by NAME`"
    if Retraining.load().promotion != "automatic":
        return manual
    rules = Governance.load()
    if rules.four_eyes or rules.approval == "github":
        return f"{manual}; {rules.path()} requires a person"
    if rules.committed:
        commit(retrained.reason)
    approval = Approval("poe retrain", ["the policy in config/retraining.yaml"], details={"identity": "policy"})
    promote(retrained.model, version, approval)
    return f"version {version} is the champion instead of {retrained.champion}"


def commit(reason: str) -> None:
    """Commit `dvc.lock` and the small results, so that what is promoted can be restored.

    Raises:
        UserError: Git refuses.
    """
    from ..pipeline.reproduce import results_to_commit

    if not (changed := results_to_commit()):
        return
    try:
        for command in (["add"], ["commit", "--quiet", "--message", f"Retrain: {reason}"]):
            subprocess.run(["git", *command, "--", *changed], capture_output=True, encoding="utf-8", check=True)
    except subprocess.CalledProcessError as failed:
        problem = " ".join((failed.stderr + failed.stdout).split())[:300]
        raise UserError(f"the results cannot be committed: {problem}") from failed


def finish(retrained: Retrained) -> Retrained:
    """Log what came of it, unless a run that crashed did, then write it."""
    version, line = retrained.candidate or retrained.champion, f"{retrained.outcome}; {retrained.reason}"
    with locked():
        if not is_finished(retrained):
            log_event(MlflowClient(), retrained, FINISHED, version, line)
    notifications.send(f"{retrained.model}: {line}")
    retrained.write()
    return retrained


def _registered_since(decision: Retrained) -> str | None:
    """Return the version that was registered since the decision, by this run or by one that was interrupted."""
    version = last_registered()
    return None if version in (None, decision.last_registered) else version


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other retraining runs in this folder."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("  waits for the retraining that runs in this folder", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def main() -> None:
    """Retrain if there is a reason to, and print decision and outcome."""
    parser = argparse.ArgumentParser(prog="poe retrain", description="Train the model again if there is a reason to.")
    parser.add_argument("--today", type=date.fromisoformat, metavar="DATE", help="decide as on this day: 2026-01-31")
    arguments = parser.parse_args()
    with exit_on_user_error("retrain"):
        done = retrain(arguments.today or datetime.now(UTC).date())
        print(f"retrain: {'yes' if done.decided else 'no'}, {done.reason}")
        if done.outcome:
            print(f"  {done.outcome}")


if __name__ == "__main__":
    main()
