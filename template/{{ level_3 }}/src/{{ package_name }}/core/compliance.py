# Managed by copier-mlops: an update merges with your edits.
"""What is required of a version, and what of it the evidence does not prove. It fails closed: see docs/compliance.md."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

from .config import load
from .errors import UserError
from .io import read_json
from .paths import REPORTS
from .settings import Settings

POLICIES = Path("policies")
EVIDENCE = REPORTS / "compliance/evidence.json"
EVENT = "compliance check"  # of the audit log
STATES = ("open", "accepted", "met")
Evidence = dict[str, Any]  # as policies/evidence.schema.json describes it


class Compliance(Settings, env_prefix="COMPLIANCE_"):
    """The schema of `config/compliance.yaml`."""

    required: bool
    max_evidence_days: PositiveInt
    max_drill_days: PositiveInt
    max_keep_days: PositiveInt
    drills: list[str]
    fairness_columns: list[str]
    fairness_metric: str
    fairness_min_ratio: PositiveFloat
    fairness_min_rows: PositiveInt
    licences: list[str]
    known_licences: dict[str, str]
    verify_image: list[str]


class DataColumn(BaseModel, extra="forbid", frozen=True):
    """Why a column of the data is there, and whether it is about a person who can be identified."""

    purpose: str
    personal: bool


class DataColumns(Settings, env_prefix="DATA_COLUMNS_"):
    """The schema of `config/data_columns.yaml`."""

    columns: dict[str, DataColumn]


class Accepted(BaseModel, extra="forbid", frozen=True):
    """A finding that the team lives with until the end of a day."""

    finding: str
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    until: date


class AcceptedFindings(Settings, env_prefix="ACCEPTED_FINDINGS_"):
    """The schema of `config/accepted_findings.yaml`."""

    accepted: list[Accepted]


class Requirement(BaseModel, extra="forbid", frozen=True):
    """What is required, how to meet it, and which parts of each framework ask for it, with why."""

    title: str
    remedy: str
    eu_ai_act: dict[str, str]
    nist_ai_rmf: dict[str, str]
    iso_42001: dict[str, str]


class Requirements(BaseModel, extra="forbid", frozen=True):
    """The schema of `policies/requirements.yaml`."""

    requirements: dict[str, Requirement] = Field(min_length=1)


@dataclass(frozen=True)
class Finding:
    """What the evidence does not prove."""

    id: str  # by which it can be accepted: the requirement, and which column, package or drill
    line: str
    remedy: str
    accepted: Accepted | None

    @property
    def is_open(self) -> bool:
        """Whether it is not accepted, or was until a day before this one."""
        return self.accepted is None or self.accepted.until < date.today()


@dataclass(frozen=True)
class Result:
    """What came of a requirement."""

    id: str
    requirement: Requirement
    findings: list[Finding]

    @property
    def state(self) -> str:
        """One of `STATES`."""
        return STATES[0 if any(one.is_open for one in self.findings) else 1 if self.findings else 2]


def assess(evidence: Evidence) -> list[Result]:
    """Return what came of each requirement, those with open findings first.

    Raises:
        UserError: the evidence is not complete, or a policy cannot be evaluated.
    """
    decided, required = _decide(evidence), load(POLICIES / "requirements.yaml", Requirements).requirements
    problems = [(one["requirement"], one["subject"], one["line"]) for one in decided.get("problem", [])]
    known = {*decided.get("proven", []), *(name for name, _, _ in problems)}
    if unknown := known - required.keys():
        raise UserError(f"{POLICIES}/requirements.yaml lacks {', '.join(sorted(unknown))}, which a policy names")
    problems += [(name, "", "nothing in the evidence proves it") for name in required if name not in known]
    accepted = {one.finding: one for one in AcceptedFindings.load().accepted}
    results = {name: Result(name, requirement, []) for name, requirement in required.items()}
    for name, subject, line in sorted(problems):
        id_ = f"{name}:{subject}" if subject else name
        remedy = required[name].remedy.format(subject=subject or "NAME", **evidence)
        results[name].findings.append(Finding(id_, " ".join(line.split()), remedy, accepted.get(id_)))
    return sorted(results.values(), key=lambda one: STATES.index(one.state))


def _decide(evidence: Evidence) -> dict[str, Any]:
    """Return what the policies prove and what they object to."""
    from jsonschema import Draft202012Validator
    from regopy import Interpreter, RegoError

    schema = Draft202012Validator(read_json(POLICIES / "evidence.schema.json"))
    if errors := [f"{error.json_path}: {error.message[:150]}" for error in schema.iter_errors(evidence)]:
        raise UserError(f"the evidence is refused: {'; '.join(errors[:3])}")
    policies: Any = Interpreter()
    try:
        for path in sorted(POLICIES.glob("*.rego")):
            policies.add_module(path.name, path.read_text(encoding="utf-8"))
        policies.set_input(evidence)
        return json.loads(str(policies.query("data.compliance")))["expressions"][0]
    except (RegoError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{POLICIES}/*.rego cannot be evaluated: {reason}") from error
