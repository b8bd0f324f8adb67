# Managed by copier-mlops: an update merges with your edits.
"""Writes registry events to the audit log, and verifies that log and registry agree.

MLflow is imported where it is needed: `poe audit list` does not, and starts in a tenth of the time.
"""

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError, exit_on_user_error
from .audit_log import Event, append, entries, locked, table, verify
from .governance import Governance

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

NEWEST = "audit_entry"  # tag of the registered model: its newest entry, so that a truncated log is detected


def record(client: "MlflowClient", event: Event) -> None:
    """Append an entry and tag the registered model with its number; only inside `locked`."""
    client.set_registered_model_tag(event.model, NEWEST, str(append(event)))


def record_registration(client: "MlflowClient", model: str, version: str, by: str, shortfalls: list[str]) -> None:
    """Record that a version was registered, and whether it passed the quality gate."""
    event = Event(
        event="registration",
        model=model,
        version=version,
        environment=Governance.load().environment,
        deployed_by=by,
        approval_status="rejected by the gate" if shortfalls else "waits for approval",
        compliance_check="not checked",
        details={"shortfalls": shortfalls},
    )
    with locked():
        record(client, event)


def newest_entry(model: "RegisteredModel | None") -> int:
    """Return the number of the newest entry according to the registry, 0 before the first."""
    return int(model.tags.get(NEWEST, 0)) if model else 0


def unlogged(found: list[dict[str, Any]], model: str, champion: str | None) -> list[str]:
    """Return a line if the champion is not the version that the log last made champion."""
    moves = [entry["version"] for entry in found if entry["model"] == model and entry["event"].endswith(" done")]
    logged = moves[-1] if moves else None
    return [] if champion == logged else [f"the champion is {champion}, but the log made it {logged}"]


def problems() -> list[str]:
    """Return a line for each entry that was changed, and for each disagreement of log and registry."""
    from mlflow import MlflowClient

    from .client import Tracking, connected, registered, version_of

    found, name = entries(), Tracking.load().model
    with connected():
        model = registered(MlflowClient(), name)
    return verify(found, newest_entry(model)) + unlogged(found, name, version_of(model))


def _export(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [column.name for column in table.columns])
        writer.writeheader()
        writer.writerows(entries())


def main() -> None:
    """List, export or verify the log."""
    parser = argparse.ArgumentParser(prog="poe audit", description="The audit log of the registry.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print all entries, the oldest first")
    commands.add_parser("verify", help="check that no entry was edited, deleted or moved")
    commands.add_parser("export", help="write all entries as CSV").add_argument("path", type=Path)
    arguments = parser.parse_args()
    with exit_on_user_error("audit"):
        if arguments.command == "export":
            _export(arguments.path)
        elif arguments.command == "list":
            for entry in entries():
                print("{timestamp}  {event:10} {model} {version}  {deployed_by}  {approval_status}".format_map(entry))
        else:
            if found := problems():
                raise UserError("\n  ".join(["the log was changed", *found]))
            print(f"{len(entries())} entries, none changed")


if __name__ == "__main__":
    main()
