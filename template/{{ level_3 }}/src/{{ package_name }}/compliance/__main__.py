# Managed by copier-mlops: an update merges with your edits.
"""Collects the evidence about a version, checks it by `policies/`, and writes it for auditors: `poe comply`."""

import argparse
import hashlib
import os
from itertools import groupby

from mlflow import MlflowClient

from ..core.compliance import EVENT, EVIDENCE, STATES, AcceptedFindings, assess
from ..core.errors import exit_on_user_error
from ..core.io import write_json
from ..core.paths import REPORTS
from ..registry.approval import on_github
from ..registry.audit import note
from ..registry.audit_log import locked
from ..registry.checks.compliance import recorded
from ..registry.client import CHALLENGER, CHAMPION, Tracking, champion, connected, find
from ..reporting.html import write_page
from . import oscal
from .evidence import collect

PAGE = REPORTS / "compliance.html"
TAG = "compliance_check"  # of a version that passed; the audit log has it at each promotion


def main() -> None:
    """Check a version, and record the hash of the evidence in the audit log; exit with code 1 if a finding is open."""
    parser = argparse.ArgumentParser(prog="poe comply", description=__doc__)
    parser.add_argument("--version", help="number or alias; default: the champion, or else the challenger")
    parser.add_argument("--verify", action="store_true", help="only verify that the evidence is what was recorded")
    arguments = parser.parse_args()
    with exit_on_user_error("comply"), connected():
        client, model = MlflowClient(), Tracking.load().model
        version = find(client, model, arguments.version or (CHAMPION if champion(client, model) else CHALLENGER))
        number = str(version.version)
        if arguments.verify:
            recorded(version)
            print(f"{EVIDENCE} is what the audit log recorded of {model} {number}")
            return
        promoting = os.environ.get("GITHUB_WORKFLOW") == "Promote"  # the approval of a job comes before its start
        evidence = collect(version, on_github() if promoting else None)
        results = assess(evidence)
        write_json(evidence, EVIDENCE)
        blocking = [one.id for result in results if result.id != "approval" for one in result.findings if one.is_open]
        result = f"failed: {', '.join(blocking)}"[:250] if blocking else "passed"
        digest = hashlib.sha256(EVIDENCE.read_bytes()).hexdigest()
        with locked():
            note(client, EVENT, model, number, {"evidence": digest}, result)
            if not blocking:
                client.set_model_version_tag(model, number, TAG, result)
            elif TAG in version.tags:
                client.delete_model_version_tag(model, number, TAG)
        file = EVIDENCE.relative_to(REPORTS).as_posix()
        write_page(PAGE, evidence=evidence, rows=results, file=file, states=STATES)
        oscal.write(evidence, results)
    found = [one for result in results for one in result.findings]
    for remedy, same in groupby(found, key=lambda one: one.remedy):
        for one in same:
            print(f"  {'open' if one.is_open else 'accepted'}: {one.id}: {one.line}")
        print(f"    {remedy}")
    for name in sorted({one.finding for one in AcceptedFindings.load().accepted} - {one.id for one in found}):
        print(f"  {AcceptedFindings.path()} accepts {name}, which is no finding: correct or remove it")
    count = sum(one.is_open for one in found)
    print(f"comply: {model} {number}: {count} open, {len(found) - count} accepted; {PAGE}, {oscal.PATH}")
    raise SystemExit(count > 0)


if __name__ == "__main__":
    main()
