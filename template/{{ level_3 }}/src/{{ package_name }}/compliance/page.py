# Managed by copier-mlops: an update merges with your edits.
"""The page for auditors: `reports/compliance.html`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.compliance import EVIDENCE, Evidence, Finding, Requirement, requirements
from ..core.io import write_text
from ..core.paths import REPORTS
from ..reporting.html import environment

PAGE = REPORTS / "compliance.html"
STATES = ("open", "accepted", "met")


@dataclass(frozen=True)
class Row:
    """A requirement, and what came of it."""

    id: str
    requirement: Requirement
    findings: list[Finding]
    state: str


def write(evidence: Evidence, found: Sequence[Finding]) -> list[Row]:
    """Write the page, and return its rows."""
    rows, licences = [], defaultdict(list)
    for name, requirement in requirements().items():
        about = [one for one in found if one.requirement == name]
        state = "open" if any(one.is_open for one in about) else "accepted" if about else "met"
        rows.append(Row(name, requirement, about, state))
    rows.sort(key=lambda row: STATES.index(row.state))
    for name, package in evidence["packages"]["serve"].items():
        licences[package["licence"]].append(name)
    file, template = EVIDENCE.relative_to(REPORTS).as_posix(), environment().get_template("compliance.html.j2")
    write_text(template.render(evidence=evidence, rows=rows, licences=licences, file=file, states=STATES), PAGE)
    return rows
