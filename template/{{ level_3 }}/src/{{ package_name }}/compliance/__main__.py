# Managed by copier-mlops: an update merges with your edits.
"""Collects the evidence about a version, checks it by `policies/`, and writes it for auditors: `poe comply`."""

import argparse
import hashlib
import os
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ..core.compliance import EVENT, EVIDENCE, Compliance, Evidence, Finding, check_complete, findings
from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.lineage import author
from ..registry.approval import on_github
from ..registry.audit import record
from ..registry.audit_log import Event, locked
from ..registry.checks.compliance import recorded
from ..registry.client import CHALLENGER, CHAMPION, Tracking, champion, connected, find
from ..registry.governance import Governance
from . import oscal, page
from .evidence import collect

TAG = "compliance_check"  # of a version; a promotion refuses one that is not "passed"


def seal(client: MlflowClient, version: ModelVersion, evidence: Evidence, blocking: list[Finding]) -> None:
    """Write the evidence, and record its hash in the audit log, so that an edit is detected."""
    write_json(evidence, EVIDENCE)
    name, number = version.name, str(version.version)
    result = f"failed: {', '.join(one.id for one in blocking)}"[:250] if blocking else "passed"
    event = Event(
        event=EVENT,
        model=name,
        version=number,
        environment=Governance.load().environment,
        deployed_by=author(),
        approval_status="none needed",
        compliance_check=result,
        details={"evidence": hashlib.sha256(EVIDENCE.read_bytes()).hexdigest()},
    )
    with locked():
        record(client, event)
        if Compliance.load().required or not blocking:
            client.set_model_version_tag(name, number, TAG, result)
        elif TAG in version.tags:
            client.delete_model_version_tag(name, number, TAG)


def main() -> None:
    """Check a version; exit with code 1 if a finding is open."""
    parser = argparse.ArgumentParser(prog="poe comply", description=__doc__)
    parser.add_argument("--version", help="number or alias; default: the champion, or else the challenger")
    parser.add_argument("--verify", action="store_true", help="only verify that the evidence is what was recorded")
    arguments = parser.parse_args()
    with exit_on_user_error("comply"), connected():
        client, model = MlflowClient(), Tracking.load().model
        default = CHAMPION if champion(client, model) else CHALLENGER
        version = find(client, model, arguments.version or default)
        if arguments.verify:
            check_complete(recorded(version))
            print(f"{EVIDENCE} is what was recorded for {model} {version.version}")
            return
        promoting = on_github() if os.environ.get("GITHUB_WORKFLOW") == "Promote" else None
        evidence, today = collect(version, promoting), datetime.now(UTC).date()
        found = findings(evidence)
        opened = [one for one in found if one.is_open(today)]
        seal(client, version, evidence, [one for one in opened if one.requirement != "approval"])
        page.write(evidence, found, today)
        oscal.write(evidence, page.rows(evidence, found, today))
    for one in found:
        print(f"  {'open' if one in opened else 'accepted'}  {one}")
    print(
        f"comply: {model} {version.version}: {len(opened)} open, {len(found) - len(opened)} accepted, see {page.PAGE}"
    )
    raise SystemExit(bool(opened))


if __name__ == "__main__":
    main()
