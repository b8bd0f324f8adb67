# Managed by copier-mlops: an update merges with your edits.
"""Promotes versions to champion, rolls back, and records both in the audit log.

Registry and log are two stores, so each change is a write-ahead: log the intent, move the alias, log completion, all under
one lock. The next run recovers an intent that a crash left unfinished.
"""

import argparse
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from ..core.errors import UserError, exit_on_user_error
from ..core.paths import MODEL
from . import moves, notifications
from .approval import Approval, claimed, on_github
from .audit import newest_anchor, record
from .audit_log import Event, entries, locked
from .checks import promotion_blockers
from .client import CHAMPION, Tracking, champion, connected, find, registered, version_of
from .governance import Governance

PREVIOUS = "previous_champion"  # tag of the model: the version that a rollback restores
MOVES = ("promotion ", "rollback ")  # events that change the champion; others may lie between intent and completion
NONE, ROLLED_BACK = "none", "rolled back"  # its values before the second champion, and after a rollback


def promote(model: str, version: str, approval: Approval, ticket: str = "") -> str:
    """Make a version the champion and return a message; it is not an error if the version is the champion already.

    Raises:
        UserError: the version may not be promoted; names the reasons.
    """
    with _locked(model) as (client, _):
        found = find(client, model, version)
        version, current = str(found.version), champion(client, model)
        if version == current:
            moves.follow(client, model, version)
            return f"{model} {version} is the champion already"
        if blockers := promotion_blockers(found, approval):
            raise UserError(f"version {version} cannot be promoted: {'; '.join(blockers)}")
        details = {"instead_of": current, **({"ticket": ticket} if ticket else {})}
        _set_champion(client, "promotion", found, approval, details)
    return notifications.send(f"{model} {version} is the champion, approved by {', '.join(approval.approvers)}")


def rollback(model: str, to: str | None, approval: Approval) -> str:
    """Make the previous champion, or version `to`, the champion again and return a message.

    Idempotent: a second rollback is a no-op, so two responders to one incident cannot undo two promotions.

    Raises:
        UserError: there is no previous champion, or `to` never passed the quality gate.
    """
    with _locked(model) as (client, before):
        current, target = version_of(before), to or before.tags.get(PREVIOUS)
        if target in {None, NONE}:
            raise UserError(f"{model} has no champion before {current or 'the first'}: name a version with --to")
        if current and target in {current, ROLLED_BACK}:
            moves.follow(client, model, current)
            return f"{model} {current} is the champion after a rollback already; --to selects another version"
        found = find(client, model, target)
        if found.tags.get("validation_status") != "passed":
            raise UserError(f"version {target} never passed the gate: name another with --to")
        _set_champion(client, "rollback", found, approval, {"instead_of": current})
    by = ", ".join(approval.approvers)
    return notifications.send(f"{model} {target} is the champion again, instead of {current}; rolled back by {by}")


@contextmanager
def _locked(model: str) -> Generator[tuple[MlflowClient, RegisteredModel]]:
    """Exclude all other changes of the champion, recover what a crash left unfinished, and yield the registered model."""
    with connected(), locked():
        client = MlflowClient()
        if registered(client, model) is None:
            raise UserError(f"no model {model} is registered in {mlflow.get_tracking_uri()}: {_how_to_register()}")
        _recover(client, model)
        yield client, client.get_registered_model(model)


def _how_to_register() -> str:
    if MODEL.exists():
        here = "`poe register` registers the model trained last"
    elif Path("dvc.lock").exists():
        here = "`poe pull` (or `poe pipeline`) brings the model of this commit, then `poe register` registers it"
    else:
        here = "`poe pipeline` trains and registers one"
    return f"{here}, or name your team's registry by MLFLOW_TRACKING_URI in .env"


def _set_champion(
    client: MlflowClient, event: str, to: ModelVersion, approval: Approval, details: dict[str, str | None]
) -> None:
    intent = Event(
        event=f"{event} intended",
        model=to.name,
        version=str(to.version),
        environment=Governance.load().environment,
        deployed_by=approval.actor,
        approval_status=approval.status,
        compliance_check=to.tags.get("compliance_check", "not checked"),
        details={**details, **approval.details},
    )
    record(client, intent)
    client.set_registered_model_alias(to.name, CHAMPION, str(to.version))
    _complete(client, intent)


def _recover(client: MlflowClient, model: str) -> None:
    """Complete or abandon the intent that a crash left unfinished, depending on whether the alias moved."""
    moves = [entry for entry in entries() if entry["model"] == model and entry["event"].startswith(MOVES)]
    if not moves or not moves[-1]["event"].endswith(" intended"):
        return
    intent = Event.from_entry(moves[-1])
    if champion(client, model) == intent.version:
        _complete(client, intent)
    else:
        record(client, _with_outcome(intent, "given up"))


def _complete(client: MlflowClient, intent: Event) -> None:
    """Record the version that a rollback restores, let all else follow, and log completion."""
    previous = intent.details["instead_of"] or NONE
    client.set_registered_model_tag(
        intent.model, PREVIOUS, previous if intent.event.startswith("promotion") else ROLLED_BACK
    )
    moves.follow(client, intent.model, intent.version)
    record(client, _with_outcome(intent, "done"))


def _with_outcome(intent: Event, outcome: str) -> Event:
    return replace(intent, event=intent.event.replace("intended", outcome))


def main() -> None:
    """Promote a version, or roll back; both print the newest entry of the audit log, which a reader can compare later."""
    parser = argparse.ArgumentParser(prog="poe", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    promoting = commands.add_parser("promote", help="make a version the champion")
    promoting.add_argument("--version", required=True, help="number or alias")
    promoting.add_argument(
        "--approved-by", metavar="NAME", help="not in the workflow Promote, which reads it from GitHub"
    )
    promoting.add_argument("--ticket", default="", help="where the decision is documented")
    back = commands.add_parser("rollback", help="make the previous champion the champion again")
    back.add_argument("--to", metavar="VERSION", help="another version than the previous champion")
    back.add_argument("--approved-by", default="on call", metavar="NAME")
    arguments = parser.parse_args()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # seconds instead of MLflow's 120: this is for incidents
    with exit_on_user_error(arguments.command):
        model = Tracking.load().model
        if arguments.command == "promote":
            approval = claimed(arguments.approved_by) if arguments.approved_by else on_github()
            print(promote(model, arguments.version, approval, arguments.ticket))
        else:
            print(rollback(model, arguments.to, claimed(arguments.approved_by)))
        print(f"audit log: {newest_anchor()}")


if __name__ == "__main__":
    main()
