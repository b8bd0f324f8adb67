# Managed by copier-mlops: an update merges with your edits.
"""The page for auditors: `reports/compliance.html`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..core.compliance import EVIDENCE, Evidence, Finding, Requirement, requirements
from ..core.io import write_text
from ..core.paths import REPORTS
from ..reporting.html import environment

PAGE = REPORTS / "compliance.html"
FRAMEWORKS = {"eu_ai_act": "EU AI Act, article", "nist_ai_rmf": "NIST AI RMF:", "iso_42001": "ISO/IEC 42001, Annex A:"}


@dataclass(frozen=True)
class Row:
    """A requirement, and what came of it."""

    requirement: Requirement
    summary: str  # of the evidence
    findings: list[Finding]
    status: str  # open, accepted or met


def rows(evidence: Evidence, found: Sequence[Finding], today: date) -> list[Row]:
    """Return all requirements, those with an open finding first."""
    lines, made = summaries(evidence), []
    for one in requirements():
        about = [finding for finding in found if finding.requirement == one.id]
        is_open = any(finding.is_open(today) for finding in about)
        made.append(Row(one, lines.get(one.id, ""), about, "open" if is_open else "accepted" if about else "met"))
    return sorted(made, key=lambda row: ("open", "accepted", "met").index(row.status))


def write(evidence: Evidence, found: Sequence[Finding], today: date) -> None:
    """Write the page."""
    licences = defaultdict(list)
    for name, package in evidence["packages"]["serve"].items():
        licences[package["licence"]].append(name)
    template = environment().get_template("compliance.html.j2")
    page = template.render(
        model=evidence["model"],
        evidence=evidence,
        rows=rows(evidence, found, today),
        licences=dict(sorted(licences.items())),
        frameworks=FRAMEWORKS,
        file=EVIDENCE.relative_to(REPORTS).as_posix(),
        today=today,
    )
    write_text(page, PAGE)


def summaries(evidence: Evidence) -> dict[str, str]:
    """Return the evidence for each requirement in a line."""
    image, approval, packages = evidence["image"], evidence["approval"], evidence["packages"]
    lineage, columns = evidence["lineage"], evidence["columns"]
    causes = evidence["explanations"] or {}
    personal = [name for name, column in columns.items() if column["personal"]]
    groups = [
        f"{column}: {', '.join(f'{group} {value:.3g}' for group, value in values.items())}"
        for column, values in evidence["fairness"]["groups"].items()
    ]
    return {
        "model-card": f"SHA-256 {_short(evidence['card']['sha256'])}",
        "approval": f"{', '.join(approval['approvers'])} ({approval['identity']})" if approval else "",
        "lineage": f"run {_short(lineage['run_id'])}, commit {_short(lineage['git_commit'])}, data {_short(lineage['data_md5'])}",
        "data-columns": f"{len(columns)} columns; personal: {', '.join(personal) or 'none'}",
        "licences": f"{len(packages['serve'])} packages in the image, apart from {len(packages['tools'])} tools",
        "bill-of-materials": f"{evidence['sbom']['components']} components, SHA-256 {_short(evidence['sbom']['sha256'])}",
        "model-signature": evidence["signatures"]["model"]["signed_by"],
        "image": f"{image['name']} {image['digest'][:19]}",
        "fairness": "; ".join(groups),
        "explanations": ", ".join(sorted(causes, key=lambda name: -causes[name])[:3]),
        "retention": f"predictions: {evidence['retention']['prediction_log_days']} days",
        "drills": ", ".join(f"{name} {one['age_days']} days ago" for name, one in evidence["drills"].items()),
    }


def _short(digest: str | None) -> str:
    return (digest or "unknown")[:12]
