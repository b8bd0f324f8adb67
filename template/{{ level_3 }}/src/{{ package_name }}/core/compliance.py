# Managed by copier-mlops: an update merges with your edits.
"""What is required of a version, and what of it the evidence does not prove: `policies/`, `config/compliance.yaml`.

It fails closed: evidence that is incomplete is refused, and what no policy proves is a finding.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, PositiveInt

from .config import load
from .errors import UserError
from .io import read_json
from .paths import REPORTS
from .rego import evaluate
from .settings import Settings

POLICIES = Path("policies")
FOLDER = REPORTS / "compliance"
EVIDENCE = FOLDER / "evidence.json"
EVENT = "compliance check"  # of the audit log
Evidence = dict[str, Any]  # as policies/evidence.schema.json describes it


class Fairness(BaseModel, extra="forbid", frozen=True):
    """Which groups are compared, and by what."""

    columns: list[str]
    metric: str
    min_ratio: PositiveFloat
    min_rows: PositiveInt


class Licences(BaseModel, extra="forbid", frozen=True):
    """Which licences the packages in the image may have."""

    allowed: list[str] = Field(min_length=1)
    known: dict[str, str]


class Compliance(Settings, env_prefix="COMPLIANCE_"):
    """The schema of `config/compliance.yaml`."""

    required: bool
    max_evidence_days: NonNegativeInt
    max_drill_days: PositiveInt
    drills: list[str]
    max_keep_days: PositiveInt
    fairness: Fairness
    licences: Licences
    verify_image: list[str]


class DataColumn(BaseModel, extra="forbid", frozen=True):
    """Why a column of the data is there."""

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
    """What is required, how to meet it, and which parts of each framework ask for it."""

    id: str
    title: str
    remedy: str
    eu_ai_act: dict[str, str]
    nist_ai_rmf: dict[str, str]
    iso_42001: dict[str, str]


class Requirements(BaseModel, extra="forbid", frozen=True):
    """The schema of `policies/requirements.yaml`."""

    requirements: list[Requirement] = Field(min_length=1)


@dataclass(frozen=True)
class Finding:
    """What the evidence does not prove."""

    requirement: str
    subject: str  # of which column, package or drill; empty for the whole
    line: str
    remedy: str
    accepted: Accepted | None = None  # also after its last day

    @property
    def id(self) -> str:
        """Return the name by which it can be accepted."""
        return f"{self.requirement}:{self.subject}" if self.subject else self.requirement

    def is_open(self, today: date) -> bool:
        """Return whether nobody has accepted it for this day."""
        return self.accepted is None or self.accepted.until < today

    def __str__(self) -> str:
        """Return it in one line, with what to do."""
        expired = f" (accepted by {self.accepted.owner} until {self.accepted.until})" if self.accepted else ""
        return f"{self.id}: {self.line}{expired}: {self.remedy}"


def requirements() -> list[Requirement]:
    """Return what is required of each version."""
    return load(POLICIES / "requirements.yaml", Requirements).requirements


def check_complete(evidence: Evidence) -> None:
    """Check evidence by its schema.

    Raises:
        UserError: it is empty, or a part of it is missing or of another form.
    """
    from jsonschema import Draft202012Validator

    schema = read_json(POLICIES / "evidence.schema.json")
    errors = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(evidence)
    ]
    if errors:
        raise UserError(f"the evidence is refused: {'; '.join(errors[:3])}")


def findings(evidence: Evidence, today: date | None = None) -> list[Finding]:
    """Return what complete evidence does not prove, those that are open first.

    Raises:
        UserError: the evidence is not complete, or a policy cannot be evaluated.
    """
    check_complete(evidence)
    decided = evaluate(POLICIES, "data.compliance", evidence)
    required = {one.id: one for one in requirements()}
    problems = [(each["requirement"], each["subject"], each["line"]) for each in decided.get("problem", [])]
    met = {*decided.get("proven", []), *(name for name, _, _ in problems)}
    problems += [(name, "", "nothing in the evidence proves it") for name in required if name not in met]
    accepted = {one.finding: one for one in AcceptedFindings.load().accepted}
    found = []
    for name, subject, line in problems:
        if name not in required:
            raise UserError(f"{POLICIES}/*.rego name {name}, which {POLICIES}/requirements.yaml does not")
        remedy = required[name].remedy.format(**evidence, subject=subject, environment=evidence["image"]["environment"])
        one = Finding(name, subject, " ".join(line.split()), remedy)
        found.append(replace(one, accepted=accepted.get(one.id)))
    today = today or datetime.now(UTC).date()
    return sorted(found, key=lambda one: (not one.is_open(today), one.id, one.line))
