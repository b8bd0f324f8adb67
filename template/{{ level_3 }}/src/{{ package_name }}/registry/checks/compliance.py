# Managed by copier-mlops: an update merges with your edits.
"""What is promoted is compliant: the evidence that `poe comply` recorded proves what is required, today."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from ...core.compliance import EVENT, EVIDENCE, Compliance, Evidence, assess
from ...core.errors import UserError
from ...core.io import read_json
from ..approval import Approval
from ..audit_log import entries


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each open finding, except about the approval, which is here; none if none is required."""
    if not (rules := Compliance.load()).required:
        return []
    try:
        evidence = recorded(version)
        if datetime.now(UTC) - datetime.fromisoformat(evidence["made"]) > timedelta(days=rules.max_evidence_days):
            return [f"the evidence of {evidence['made']} is too old: `uv run poe comply --version {version.version}`"]
        findings = [one for result in assess(evidence) if result.id != "approval" for one in result.findings]
        return [f"{one.id}: {one.line}" for one in findings if one.is_open]
    except UserError as error:
        return [str(error)]


def recorded(version: ModelVersion) -> Evidence:
    """Return the evidence about a version, which is byte for byte what the audit log recorded last.

    Raises:
        UserError: there is none, or it is of another version, or was edited.
    """
    digest = hashlib.sha256(EVIDENCE.read_bytes()).hexdigest() if EVIDENCE.exists() else None
    if (found := newest(EVENT, version)) is None or json.loads(found["details"])["evidence"] != digest:
        how = "is not what the audit log recorded" if found else "is not there"
        raise UserError(f"the evidence in {EVIDENCE} {how}: `uv run poe comply --version {version.version}`")
    return read_json(EVIDENCE)


def newest(event: str, version: ModelVersion) -> dict[str, Any] | None:
    """Return the newest entry of an event about a version in the audit log, or None."""
    wanted = {"event": event, "model": version.name, "version": str(version.version)}
    return next((entry for entry in reversed(entries()) if wanted.items() <= entry.items()), None)
