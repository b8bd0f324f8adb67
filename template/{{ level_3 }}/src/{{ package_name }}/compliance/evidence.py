# Managed by copier-mlops: an update merges with your edits.
"""Collects the evidence about a version, from the registry, the audit log, `uv.lock` and the configuration."""

import hashlib
import json
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion

from ..core.compliance import EVIDENCE, Compliance, DataColumns, Evidence
from ..core.config import read
from ..core.errors import UserError
from ..core.io import read_json, write_text
from ..core.lineage import Lineage
from ..core.prediction_log import PredictionLog
from ..core.signing import Signing
from ..drills import FOLDER as DRILLS
from ..registry import audit
from ..registry.approval import Approval
from ..registry.audit_log import entries
from ..registry.checks.compliance import newest
from ..registry.client import INPUTS
from ..registry.commits import commits_of
from ..registry.governance import Governance
from ..registry.moves.release import overlay
from ..registry.verification import signature

SBOM = EVIDENCE.with_name("sbom.cdx.json")
IN_IMAGE = ("--no-default-groups", "--group", "serve")  # as the Dockerfile installs them


def collect(version: ModelVersion, approval: Approval | None = None) -> Evidence:
    """Return the evidence about a version, and write the bill of materials of the image.

    Args:
        version: of the registry.
        approval: of a promotion that is about to happen; without it, that of the audit log.

    Raises:
        UserError: a store cannot be reached, or a file is not valid.
    """
    rules, governance, log, now = Compliance.load(), Governance.load(), PredictionLog.load(), datetime.now(UTC)
    write_text(bill := _bill(*IN_IMAGE), SBOM)
    served, tags, reports = _packages(bill, rules), version.tags, _reports(version)
    tools = {name: one for name, one in _packages(_bill("--all-groups"), rules).items() if name not in served}
    return {
        "made": now.isoformat(timespec="seconds"),
        "model": version.name,
        "version": str(version.version),
        "author": tags.get("author") or "unknown",
        "environment": governance.environment,
        "rules": {**rules.model_dump(), "approval": governance.approval},
        "card": {
            "sha256": _sha256(reports.get("model_card.md")),
            "gaps": [gap for gap in tags.get("card_gaps", "").split(", ") if gap],
        },
        "approval": _approval(version, approval),
        "audit": {"entries": len(entries()), "problems": audit.problems()},
        "lineage": {name: tags.get(name) for name in Lineage.model_fields}
        | {"run_id": version.run_id, "restored": not commits_of(version).missing},
        "columns": _columns(version),
        "packages": {"serve": served, "tools": tools},
        "sbom": {"components": len(json.loads(bill)["components"]), "sha256": _sha256(bill)},
        "signature": _signature(version),
        "image": _image(rules),
        "fairness": _fairness(json.loads(reports.get("slices.json", "[]")), rules),
        "explanations": json.loads(reports.get("explanations.json", "{}")).get("columns"),
        "retention": {"keep_days": log.keep_days, "leave_out": log.leave_out},
        "drills": _drills(now),
    }


def _reports(version: ModelVersion) -> dict[str, str]:
    """Return the text of each report of a version's run that is one, by name."""
    with TemporaryDirectory() as folder:
        path = Path(mlflow.artifacts.download_artifacts(f"runs:/{version.run_id}/reports", dst_path=folder))
        return {one.name: one.read_text(encoding="utf-8") for one in path.glob("*.*") if one.suffix in (".json", ".md")}


def _sha256(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _approval(version: ModelVersion, approval: Approval | None) -> dict[str, Any] | None:
    if approval:
        return {"approvers": approval.approvers, "identity": "GitHub" if approval.github else "claimed"}
    if (found := newest("promotion done", version)) is None:
        return None
    names = found["approval_status"].partition("approved by ")[2].split(", ")
    return {"approvers": names, "identity": json.loads(found["details"]).get("identity", "claimed")}


def _columns(version: ModelVersion) -> dict[str, Any]:
    """Return purpose and kind of each column that the run of a version has read; both are empty if it is not described."""
    inputs: Any = mlflow.get_run(str(version.run_id)).inputs
    schemas = [json.loads(one.dataset.schema) for one in inputs.dataset_inputs]
    about = mlflow.models.get_model_info(f"models:/{version.name}/{version.version}").metadata or {}
    features = {column["name"] for column in about.get(INPUTS, [])}
    described, unknown = DataColumns.load().columns, {"purpose": "", "personal": None}
    return {
        name: (described[name].model_dump() if name in described else unknown) | {"feature": name in features}
        for name in (column["name"] for schema in schemas for column in schema["mlflow_colspec"])
    }


def _bill(*groups: str) -> str:
    """Return the bill of materials of groups of packages in `uv.lock`, as CycloneDX."""
    command = ["uv", "export", "--quiet", "--locked", "--format", "cyclonedx1.5", *groups]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UserError(f"uv.lock has no bill of materials: {' '.join(done.stderr.split())[:200]}")
    return done.stdout


def _packages(bill: str, rules: Compliance) -> dict[str, dict[str, str]]:
    """Return version and licence of the packages of a bill by name, without those for another system than this one."""
    found = {}
    for name in (component["name"] for component in json.loads(bill)["components"]):
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        about: Any = installed.metadata
        texts = [one.rpartition(" :: ")[2] for one in about.get_all("Classifier", []) if one.startswith("License")]
        named = " AND ".join(text for text in texts if text != "OSI Approved") or about.get("License") or "unknown"
        licence = rules.known_licences.get(name) or about.get("License-Expression") or named.partition("\n")[0][:80]
        found[name] = {"version": installed.version, "licence": licence}
    return found


def _signature(version: ModelVersion) -> dict[str, str]:
    """Return who signed what a server would load, which is verified, or why it would be refused."""
    name, number = version.name, str(version.version)
    try:
        if Signing.load().required:
            with TemporaryDirectory() as folder:
                path = mlflow.artifacts.download_artifacts(f"models:/{name}/{number}", dst_path=folder)
                return {"by": signature.verify(version, Path(path)), "problem": ""}
        artifact = import_module("..core.artifact", __package__).Artifact.of(name, number, version.tags)
        artifact.verify()
    except UserError as error:
        return {"by": "", "problem": str(error)}
    except ModuleNotFoundError:  # without the option of signed artifacts
        return {"by": "", "problem": f"{Signing.path()} requires no signature"}
    return {"by": artifact.reference, "problem": ""}


def _image(rules: Compliance) -> dict[str, str]:
    """Return which image the environment runs, and why its signature is not verified, if it is not."""
    image, problem = next(iter(read(overlay()).get("images", [])), {}), ""
    if digest := image.get("digest", ""):
        command = [part.format(image=f"{image['newName']}@{digest}") for part in rules.verify_image]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
            problem = f"{command[0]}: {' '.join(done.stderr.split())[:200]}" if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = f"{command[0]} cannot verify it: {type(error).__name__}"
    return {"name": image.get("newName", ""), "digest": digest, "problem": problem}


def _fairness(slices: list[dict[str, Any]], rules: Compliance) -> dict[str, dict[str, float]]:
    """Return the metric of each group of test rows, by column."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for one in slices:
        value = one["metrics"].get(rules.fairness_metric)
        if one["column"] in rules.fairness_columns and one["rows"] >= rules.fairness_min_rows and value is not None:
            found[one["column"]][str(one["group"])] = value
    return found


def _drills(now: datetime) -> dict[str, Any]:
    """Return how each drill ended, and how many days ago."""
    found = {path.stem: read_json(path) for path in sorted(DRILLS.glob("*.json"))}
    return {
        name: {"recovered": one["recovered"], "age_days": (now - datetime.fromisoformat(one["ended"])).days}
        for name, one in found.items()
        if one["ended"]
    }
