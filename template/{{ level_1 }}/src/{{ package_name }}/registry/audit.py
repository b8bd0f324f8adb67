# Managed by copier-mlops: an update merges with your edits.
"""Writes registry events to the audit log, and verifies that log and registry agree.

MLflow is imported where it is needed: `poe audit list` does not, and starts in a tenth of the time.
"""

import argparse
import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError, exit_on_user_error
from ..core.io import atomic_write
from ..core.lineage import author, git
from ..core.paths import user_path
from .audit_log import Anchor, Event, append, entries, one_line, table, verify
from .governance import Governance

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

REGISTRATION = "registration"  # event of the log
NEWEST = "audit_entry"  # tag of the registered model: number and hash of its newest entry
IN_MESSAGE = re.compile(r"^audit: (\d+:[0-9a-f]{64})$", re.MULTILINE)  # of a release tag


def record(client: "MlflowClient", event: Event) -> None:
    """Append an entry and tag the registered model with its number and hash; only inside `locked`."""
    client.set_registered_model_tag(event.model, NEWEST, append(event))


def note(
    client: "MlflowClient",
    event: str,
    model: str,
    version: str,
    details: dict[str, Any],
    check: str = "not checked",
    by: str | None = None,
    approval: str = "no approval needed",
) -> None:
    """Record what happened to a version, and by whom, by default the user of Git; only inside `locked`."""
    place = Governance.load().environment
    record(client, Event(event, model, version, place, by or author(), approval, check, details))


def record_registration(client: "MlflowClient", model: str, version: str, by: str, shortfalls: list[str]) -> None:
    """Record once that a version was registered, and whether it passed the quality gate; only inside `locked`."""
    if not _is_recorded(model, version):
        approval = "rejected by the gate" if shortfalls else "waits for approval"
        note(client, REGISTRATION, model, version, {"shortfalls": shortfalls}, by=by, approval=approval)


def unfinished_registration(
    client: "MlflowClient", model: str, lineage: dict[str, str], shortfalls: list[str]
) -> "ModelVersion | None":
    """Return the newest version if it has this lineage and these shortfalls, and a crash came before its entry or alias.

    Only inside `locked`, which a registration holds until it is finished.
    """
    from .client import CHALLENGER, registered, version_of

    versions = client.search_model_versions(f"name='{model}'")
    newest = max(versions, key=lambda one: int(one.version), default=None)
    if newest is None or not lineage.items() <= newest.tags.items():
        return None
    if newest.tags.get("validation_shortfalls", "") != "; ".join(shortfalls):
        return None
    challenger = version_of(registered(client, model), CHALLENGER)
    has_alias = bool(shortfalls) or challenger == str(newest.version)
    return None if has_alias and _is_recorded(model, str(newest.version)) else newest


def _is_recorded(model: str, version: str) -> bool:
    found = {(entry["event"], entry["model"], entry["version"]) for entry in entries()}
    return (REGISTRATION, model, version) in found


def anchors(model: "RegisteredModel | None") -> list[Anchor]:
    """Return the entries that registry and release tags recorded."""
    found = [Anchor.parse(model.tags[NEWEST], "the registry")] if model and NEWEST in model.tags else []
    for tag in git("tag", "--list", "model-v*").split():
        if anchor := IN_MESSAGE.search(git("tag", "--list", tag, "--format=%(contents)")):
            found.append(Anchor.parse(anchor[1], f"the release tag {tag}"))
    return found


def newest_anchor() -> str:
    """Return number and hash of the newest entry as `NUMBER:HASH`."""
    found = entries()
    return f"{found[-1]['id']}:{found[-1]['hash']}" if found else "no entry"


def problems() -> list[str]:
    """Return a line for each entry that was changed, and for each disagreement of log and registry."""
    from .client import Tracking, version_of

    found, model, name = entries(), _in_registry(), Tracking.load().model
    moves = [entry["version"] for entry in found if entry["model"] == name and entry["event"].endswith(" done")]
    champion, logged = version_of(model), moves[-1] if moves else None
    moved = [] if champion == logged else [f"the champion is {champion}, but the log made it {logged}"]
    return verify(found, anchors(model)) + moved


def unconfirmed() -> str:
    """Return a remark on entries about the model that the registry has not recorded, as it does once each is appended."""
    model = _in_registry()
    if model is None or NEWEST not in model.tags:
        return ""
    newest = Anchor.parse(model.tags[NEWEST], "the registry").number
    later = [str(entry["id"]) for entry in entries() if entry["model"] == model.name and entry["id"] > newest]
    why = "a command was interrupted, or another program appended to the log"
    return f"; not recorded in the registry: {', '.join(later)}; {why}" if later else ""


def _in_registry() -> "RegisteredModel | None":
    from mlflow import MlflowClient

    from .client import Tracking, connected, registered

    with connected():
        return registered(MlflowClient(), Tracking.load().model)


def _export(path: Path) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [column.name for column in table.columns])
        writer.writeheader()
        writer.writerows(entries())


def line(entry: dict[str, Any]) -> str:
    """Return an entry as `poe audit list` shows it."""
    texts = {name: one_line(str(value)) for name, value in entry.items()}
    what = "{timestamp}  {event:20} {model} {version}  {deployed_by}  {approval_status}".format_map(texts)
    evidence = json.loads(entry["details"])
    return "  ".join([what, *(one_line(evidence[name]) for name in ("run", "ticket", "reason") if evidence.get(name))])


def main() -> None:
    """List, export or verify the log."""
    parser = argparse.ArgumentParser(prog="poe audit", description="The audit log; without a command, list.")
    commands = parser.add_subparsers(dest="command", metavar="{list,verify,export}")
    commands.add_parser("list", help="print all entries, the oldest first")
    commands.add_parser("verify", help="check that no entry was edited, deleted or moved")
    commands.add_parser("export", help="write all entries as CSV").add_argument("path", type=user_path)
    arguments = parser.parse_args()
    with exit_on_user_error("audit"):
        if arguments.command == "export":
            _export(arguments.path)
            print(f"{arguments.path}: {_count()}")
        elif arguments.command == "verify":
            if found := problems():
                raise UserError("\n  ".join(["the log was changed, or is not the log of this registry", *found]))
            print(f"{_count()}, none changed{unconfirmed()}")
        else:
            print("\n".join(map(line, entries())) or "no entry yet: `poe register` writes the first")


def _count() -> str:
    number = len(entries())
    return f"{number} {'entry' if number == 1 else 'entries'}"


if __name__ == "__main__":
    main()
