# Managed by copier-mlops: an update merges with your edits.
"""What is promoted is compliant: the evidence that `poe comply` recorded proves what is required, today."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mlflow.entities.model_registry import ModelVersion

from ...core.compliance import EVENT, EVIDENCE, Compliance, findings
from ...core.errors import UserError
from ...core.io import read_json, require
from ..approval import Approval
from ..audit_log import entries


def blockers(version: ModelVersion, approval: Approval) -> list[str]:
    """Return a line for each open finding, except about the approval, which is here; none if none is required."""
    if not (rules := Compliance.load()).required:
        return []
    try:
        evidence = recorded(version)
        made, now = datetime.fromisoformat(evidence["made"]), datetime.now(UTC)
        if now - made > timedelta(days=rules.max_evidence_days):
            return [f"the evidence is of {made:%Y-%m-%d}: `uv run poe comply --version {version.version}`"]
        found = [one for one in findings(evidence) if one.requirement != "approval"]
        return [str(one) for one in found if one.is_open(now.date())]
    except UserError as error:
        return [str(error)]


def recorded(version: ModelVersion) -> dict[str, Any]:
    """Return the evidence about a version, which is byte for byte what the audit log recorded last.

    Raises:
        UserError: there is none, or it is of another version, or was edited.
    """
    again = f"`uv run poe comply --version {version.version}`"
    wanted = (EVENT, version.name, str(version.version))
    checks = [one for one in entries() if (one["event"], one["model"], one["version"]) == wanted]
    if not checks:
        raise UserError(f"it was never checked: {again}")
    content = require(EVIDENCE, f"comply --version {version.version}").read_bytes()
    if hashlib.sha256(content).hexdigest() != json.loads(checks[-1]["details"])["evidence"]:
        raise UserError(f"{EVIDENCE} is not what entry {checks[-1]['id']} of the audit log recorded: {again}")
    return read_json(EVIDENCE)
