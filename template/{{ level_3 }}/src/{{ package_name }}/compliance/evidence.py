# Managed by copier-mlops: an update merges with your edits.
"""Collects the evidence about a version, from the registry, the audit log, `uv.lock` and the configuration."""

import hashlib
import json
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from ..core.compliance import FOLDER, Compliance, DataColumns, Evidence
from ..core.errors import UserError
from ..core.io import read_json, write_text
from ..core.lineage import Lineage
from ..core.paths import REPORTS
from ..core.prediction_log import PredictionLog
from ..core.signing import Signing
from ..drills import FOLDER as DRILLS
from ..drills import Evidence as Drill
from ..registry import audit
from ..registry.approval import Approval
from ..registry.audit_log import entries
from ..registry.client import INPUTS
from ..registry.commits import commits_of
from ..registry.governance import Governance
from ..registry.moves.release import overlay
from ..registry.verification import signature

SBOM = FOLDER / "sbom.cdx.json"
IN_IMAGE = ["--no-default-groups", "--group", "serve"]  # as the Dockerfile installs them
Packages = dict[str, dict[str, str]]


def collect(version: ModelVersion, approval: Approval | None = None) -> Evidence:
    """Return the evidence about a version, and write the bill of materials of the image.

    Args:
        version: of the registry.
        approval: of a promotion that is about to happen; without it, that of the audit log.

    Raises:
        UserError: a store cannot be reached, or a file is not valid.
    """
    rules, now = Compliance.load(), datetime.now(UTC)
    bill = _export(*IN_IMAGE)
    write_text(bill, SBOM)
    served = _packages(bill, rules)
    return {
        "made": now.isoformat(timespec="seconds"),
        "model": version.name,
        "version": str(version.version),
        "author": version.tags.get("author") or "unknown",
        "rules": _rules(rules),
        "card": {"sha256": _sha256(_of_run(version, "model_card.md")), "gaps": _gaps(version)},
        "approval": approved(approval) if approval else _logged_approval(version),
        "audit": {"entries": len(entries()), "problems": audit.problems()},
        "lineage": {
            **{name: version.tags.get(name) for name in Lineage.model_fields},
            "run_id": version.run_id,
            "restore": not commits_of(version).missing,
        },
        "columns": _columns(version),
        "packages": {
            "serve": served,
            "tools": {
                name: one for name, one in _packages(_export("--all-groups"), rules).items() if name not in served
            },
        },
        "sbom": {"components": len(json.loads(bill)["components"]), "sha256": _sha256(bill)},
        "signatures": {"model": _signature(version)},
        "image": _image(rules),
        "fairness": {"groups": _groups(version, rules)},
        "explanations": _explanations(version),
        "retention": _retention(),
        "drills": _drills(now),
    }


def approved(approval: Approval) -> dict[str, Any]:
    """Return an approval as evidence."""
    identity = "GitHub" if approval.github else "claimed"
    return {"by": approval.actor, "approvers": approval.approvers, "identity": identity}


def _rules(rules: Compliance) -> dict[str, Any]:
    """Return the limits that the policies compare with: so the evidence is all that they read."""
    return {
        "approval": Governance.load().approval,
        "licences": rules.licences.allowed,
        "drills": rules.drills,
        "max_keep_days": rules.max_keep_days,
        "max_drill_days": rules.max_drill_days,
        **{f"fairness_{name}": value for name, value in rules.fairness.model_dump().items()},
    }


def _of_run(version: ModelVersion, name: str) -> str | None:
    """Return the text of a report of the run of a version, or None if it has none."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            uri = f"runs:/{version.run_id}/reports/{name}"
            return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder)).read_text(encoding="utf-8")
    except (MlflowException, OSError):
        return None


def _sha256(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _gaps(version: ModelVersion) -> list[str]:
    return [gap for gap in version.tags.get("card_gaps", "").split(", ") if gap]


def _logged_approval(version: ModelVersion) -> dict[str, Any] | None:
    """Return who approved the last promotion of a version, as the audit log has it."""
    for entry in reversed(entries()):
        if (entry["event"], entry["model"], entry["version"]) == ("promotion done", version.name, str(version.version)):
            identity = json.loads(entry["details"]).get("identity", "claimed")
            names = entry["approval_status"].partition("approved by ")[2].split(", ")
            return {"by": entry["deployed_by"], "approvers": names, "identity": identity}
    return None


def _columns(version: ModelVersion) -> dict[str, Any]:
    """Return purpose and kind of each column that the run of a version has read; both are empty if nobody described it."""
    run = mlflow.get_run(str(version.run_id))
    schemas = [json.loads(each.dataset.schema or "{}") for each in run.inputs.dataset_inputs]
    names = {column["name"]: None for schema in schemas for column in schema.get("mlflow_colspec", [])}
    info = mlflow.models.get_model_info(f"models:/{version.name}/{version.version}")
    features = {column["name"] for column in (info.metadata or {}).get(INPUTS, [])}
    described = DataColumns.load().columns
    return {
        name: {
            **(described[name].model_dump() if name in described else {"purpose": "", "personal": None}),
            "feature": name in features,
        }
        for name in names
    }


def _export(*groups: str) -> str:
    """Return the bill of materials of some groups of packages, as CycloneDX.

    Raises:
        UserError: uv is missing, or `uv.lock` is not up to date.
    """
    command = ["uv", "export", "--quiet", "--locked", "--format", "cyclonedx1.5", *groups]
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    except FileNotFoundError as error:
        raise UserError("uv is not on PATH: run `uv run poe comply`") from error
    except subprocess.CalledProcessError as error:
        raise UserError(f"uv.lock cannot be read: {' '.join(error.stderr.split())[:200]}") from error


def _packages(bill: str, rules: Compliance) -> Packages:
    """Return version and licence of the packages of a bill that are installed here, by name."""
    found: Packages = {}
    for name in (component["name"] for component in json.loads(bill)["components"]):
        try:
            installed = distribution(name)
        except PackageNotFoundError:  # it is for another system
            continue
        found[name] = {"version": installed.version, "licence": rules.licences.known.get(name) or _licence(installed)}
    return found


def _licence(installed: Any) -> str:
    """Return the licence that a package names: as an expression, or by its classifiers, or in words."""
    about = installed.metadata
    if expression := about.get("License-Expression"):
        return expression
    names = [one.rpartition(" :: ")[2] for one in about.get_all("Classifier", []) if one.startswith("License :: ")]
    if named := [name for name in names if name != "OSI Approved"]:
        return " AND ".join(named)
    return (about.get("License") or "unknown").partition("\n")[0][:60]


def _signature(version: ModelVersion) -> dict[str, str]:
    """Return who signed what a server would load, which is verified, or why it would be refused."""
    name, number = version.name, str(version.version)
    try:
        if Signing.load().required:
            with tempfile.TemporaryDirectory() as folder:
                path = mlflow.artifacts.download_artifacts(f"models:/{name}/{number}", dst_path=folder)
                return {"signed_by": signature.verify(version, Path(path)), "problem": ""}
        artifact = import_module("..core.artifact", __package__).Artifact.of(name, number, version.tags)
        artifact.verify()
    except UserError as error:
        return {"signed_by": "", "problem": str(error)}
    except ModuleNotFoundError:  # without the option of signed artifacts
        return {"signed_by": "", "problem": f"{Signing.path()} requires no signature"}
    return {"signed_by": artifact.reference, "problem": ""}


def _image(rules: Compliance) -> dict[str, str]:
    """Return which image production runs, and why its signature is not verified, if it is not."""
    content = yaml.safe_load(overlay().read_text(encoding="utf-8"))
    image = next(iter(content.get("images", [])), {})
    found = {
        "environment": Governance.load().environment,
        "name": image.get("newName", ""),
        "digest": image.get("digest", ""),
    }
    if not found["digest"]:
        return {**found, "problem": ""}
    command = [part.format(image=f"{found['name']}@{found['digest']}") for part in rules.verify_image]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**found, "problem": f"{command[0]} cannot verify it: {type(error).__name__}"}
    return {**found, "problem": "" if done.returncode == 0 else f"{command[0]}: {' '.join(done.stderr.split())[:200]}"}


def _groups(version: ModelVersion, rules: Compliance) -> dict[str, dict[str, float]]:
    """Return the metric of each group of test rows, by column."""
    found: dict[str, dict[str, float]] = {}
    for group in json.loads(_of_run(version, "slices.json") or "[]"):
        value = group["metrics"].get(rules.fairness.metric)
        if group["column"] in rules.fairness.columns and group["rows"] >= rules.fairness.min_rows and value is not None:
            found.setdefault(group["column"], {})[str(group["group"])] = value
    return found


def _explanations(version: ModelVersion) -> dict[str, float] | None:
    """Return the mean absolute contribution of each column: of the run, or of the last run in this folder."""
    path = REPORTS / "explanations.json"
    text = _of_run(version, path.name)
    return json.loads(text) if text else read_json(path) if path.exists() else None


def _retention() -> dict[str, Any]:
    log = PredictionLog.load()
    return {"prediction_log_days": log.keep_days, "left_out": log.leave_out}


def _drills(now: datetime) -> dict[str, Any]:
    """Return how each drill ended, and how long ago."""
    found = {path.stem: Drill.model_validate(read_json(path)) for path in sorted(DRILLS.glob("*.json"))}
    return {
        name: {"recovered": one.recovered, "age_days": (now - one.ended).days}
        for name, one in found.items()
        if one.ended
    }
