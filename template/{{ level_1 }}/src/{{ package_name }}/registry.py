# Managed by copier-mlops: an update merges with your edits.
"""Which version is the champion, the one that decides for users: promotes, rolls back, and writes both to the audit log.

Registry and log are two stores. So a change is written to the log as intended, made, and written as done, all under one
lock; whoever comes next settles an intention that a crash left open by what the registry says.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from pydantic import BaseModel, NonNegativeFloat

from . import audit, notify
from .config import load
from .errors import UserError, reported
from .lineage import author
from .tracking import CONFIGURATION, Tracking, connected

CHAMPION = "champion"
PREVIOUS = "previous_champion"  # tag of the model: where a rollback goes
NOBODY, ROLLED_BACK = "nobody", "rolled back"  # its values before the second champion, and after a rollback
NEWEST = "audit_entry"  # tag of the model: its newest entry, which shows whether the end of the log was cut off


class Governance(BaseModel, extra="forbid", frozen=True):
    """The schema of `governance.yaml`."""

    environment: str
    four_eyes: bool
    compare: dict[str, NonNegativeFloat]


def load_governance() -> Governance:
    """Return what `governance.yaml` says."""
    return load(Path("governance.yaml"), Governance)


def champion(client: MlflowClient, model: str) -> str | None:
    """Return the version that is the champion, or None before the first one."""
    try:
        return _alias(client.get_registered_model(model))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def find(client: MlflowClient, model: str, version: str) -> ModelVersion:
    """Return a version by its number or alias.

    Raises:
        UserError: there is none.
    """
    try:
        if version.isdigit():
            return client.get_model_version(model, version)
        return client.get_model_version_by_alias(model, version)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        raise UserError(f"{model} has no version {version}: `poe ui` shows which there are") from error


def promote(model: str, version: str, approved_by: str, ticket: str = "") -> str:
    """Make a version the champion and return what came of it; it already being so is fine.

    Raises:
        UserError: the version may not be promoted; says why.
    """
    governance = load_governance()
    with _changing(model) as client:
        found = find(client, model, version)
        version, current = str(found.version), champion(client, model)
        if version == current:
            return f"{model} {version} is the champion already"
        if problems := refusals(found, approved_by, governance):
            raise UserError(f"version {version} cannot be promoted: {'; '.join(problems)}")
        details = {"instead_of": current, **({"ticket": ticket} if ticket else {})}
        _move(client, "promotion", found, approved_by, details, governance)
    return notify.send(f"{model} {version} is the champion, approved by {approved_by}")


def rollback(model: str, to: str | None, by: str) -> str:
    """Make the champion before this one the champion again, or version `to`, and return what came of it.

    A second rollback goes no further: two people who see the same incident shall undo one promotion.

    Raises:
        UserError: there is nothing to go back to, or `to` never passed the gate.
    """
    governance = load_governance()
    with _changing(model) as client:
        registered = client.get_registered_model(model)
        current, target = _alias(registered), to or registered.tags.get(PREVIOUS)
        if target in {None, NOBODY}:
            raise UserError(f"{model} has no champion before {current or 'the first'}: name a version with --to")
        if target in {current, ROLLED_BACK}:
            return f"{model} {current} is the champion after a rollback already; --to goes to another version"
        found = find(client, model, target)
        if found.tags.get("validation_status") != "passed":
            raise UserError(f"version {target} never passed the gate: name another with --to")
        _move(client, "rollback", found, by, {"instead_of": current}, governance)
    return notify.send(f"{model} {target} is the champion again, instead of {current}; {by} rolled back")


def refusals(version: ModelVersion, approved_by: str, governance: Governance) -> list[str]:
    """Return why a version may not become the champion; none means that it may."""
    tags, problems = version.tags, []
    if tags.get("validation_status") != "passed":
        problems.append(f"it did not pass the gate ({tags.get('validation_shortfalls', 'it was never validated')})")
    if empty := tags.get("card_gaps", ""):
        problems.append(f"its model card says nothing under {empty} (write it, then `poe register` a new version)")
    if tags.get("compliance_check", "passed") != "passed":
        problems.append(f"its compliance check says {tags['compliance_check']}")
    if governance.four_eyes and approved_by.casefold() == tags.get("author", "").casefold():
        problems.append(f"{approved_by} made it, and governance.yaml asks for four eyes: somebody else must approve")
    return problems


def record_registration(model: str, version: str, by: str, shortfalls: list[str]) -> None:
    """Write to the audit log that a version was registered, and whether the gate let it pass."""
    event = audit.Event(
        event="registration",
        model=model,
        version=version,
        environment=load_governance().environment,
        deployed_by=by,
        approval_status="rejected by the gate" if shortfalls else "waits for approval",
        compliance_check="not checked",
        details={"shortfalls": shortfalls},
    )
    with audit.locked():
        _append(MlflowClient(), event)


def newest_entry() -> int:
    """Return the number of the newest entry of the audit log that the registry knows of, 0 before the first."""
    model = load(CONFIGURATION, Tracking).model
    with connected():
        found = MlflowClient().search_registered_models(f"name='{model}'")
    return int(found[0].tags.get(NEWEST, 0)) if found else 0


def unlogged(entries: list[dict[str, Any]]) -> list[str]:
    """Return a line if the champion is not the one that the log knows: somebody moved it past `promote`."""
    model = load(CONFIGURATION, Tracking).model
    with connected():
        found = champion(MlflowClient(), model)
    moves = [entry["version"] for entry in entries if entry["model"] == model and entry["event"].endswith(" done")]
    logged = moves[-1] if moves else None
    return [] if found == logged else [f"the champion is {found}, but the log made it {logged}"]


@contextmanager
def _changing(model: str) -> Iterator[MlflowClient]:
    """Let nobody else change the champion in the block, and settle first what a crash left open."""
    with connected(), audit.locked():
        client = MlflowClient()
        try:
            client.get_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise UserError(f"no model {model} is registered: `poe pipeline` registers one") from error
        _settle(client, model)
        yield client


def _move(
    client: MlflowClient, event: str, to: ModelVersion, by: str, details: dict[str, str | None], governance: Governance
) -> None:
    model, version = to.name, str(to.version)
    intention = audit.Event(
        event=f"{event} intended",
        model=model,
        version=version,
        environment=governance.environment,
        deployed_by=author(),
        approval_status=f"approved by {by}",
        compliance_check=to.tags.get("compliance_check", "not checked"),
        details=details,
    )
    _append(client, intention)
    client.set_registered_model_alias(model, CHAMPION, version)
    _finish(client, intention)


def _alias(registered: RegisteredModel) -> str | None:
    version = registered.aliases.get(CHAMPION)
    return None if version is None else str(version)  # SQLite gives a number, a server gives a text


def _settle(client: MlflowClient, model: str) -> None:
    """Finish or give up the intention that a crash left open, by whether the champion moved."""
    of_model = [entry for entry in audit.entries() if entry["model"] == model]
    if not of_model or not of_model[-1]["event"].endswith(" intended"):
        return
    intention = audit.Event.of(of_model[-1])
    if champion(client, model) == intention.version:
        _finish(client, intention)
    else:
        _append(client, _become(intention, "given up"))


def _finish(client: MlflowClient, intention: audit.Event) -> None:
    """Keep where a rollback would go to, and write that the change is made."""
    before = intention.details["instead_of"] or NOBODY
    client.set_registered_model_tag(
        intention.model, PREVIOUS, before if intention.event.startswith("promotion") else ROLLED_BACK
    )
    _append(client, _become(intention, "done"))


def _become(intention: audit.Event, outcome: str) -> audit.Event:
    return replace(intention, event=intention.event.replace("intended", outcome))


def _append(client: MlflowClient, event: audit.Event) -> None:
    client.set_registered_model_tag(event.model, NEWEST, str(audit.append(event)))


def main() -> None:
    """Promote a version, or roll back."""
    parser = argparse.ArgumentParser(prog="registry", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    promoting = commands.add_parser("promote", help="make a version the champion")
    promoting.add_argument("--version", required=True)
    promoting.add_argument("--approved-by", required=True, metavar="WHO")
    promoting.add_argument("--ticket", default="", help="where the decision was taken")
    back = commands.add_parser("rollback", help="make the champion before this one the champion again")
    back.add_argument("--to", metavar="VERSION", help="another version than the one before")
    back.add_argument("--approved-by", default="on call", metavar="WHO")
    arguments = parser.parse_args()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # seconds; an incident cannot wait for MLflow's 120
    with reported(arguments.command):
        model = load(CONFIGURATION, Tracking).model
        if arguments.command == "promote":
            print(promote(model, arguments.version, arguments.approved_by, arguments.ticket))
        else:
            print(rollback(model, arguments.to, arguments.approved_by))


if __name__ == "__main__":
    main()
