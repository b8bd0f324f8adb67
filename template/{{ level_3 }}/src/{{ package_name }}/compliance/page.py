# Managed by copier-mlops: an update merges with your edits.
"""The page for auditors: `reports/compliance.html`."""

from collections import defaultdict
from collections.abc import Sequence

from ..core.compliance import EVIDENCE, STATES, Evidence, Result
from ..core.io import write_text
from ..core.paths import REPORTS
from ..reporting.html import environment

PAGE = REPORTS / "compliance.html"


def write(evidence: Evidence, results: Sequence[Result]) -> None:
    """Write the page."""
    licences = defaultdict(list)
    for name, package in evidence["packages"].items():
        licences[package["licence"]].append(name)
    file, template = EVIDENCE.relative_to(REPORTS).as_posix(), environment().get_template("compliance.html.j2")
    write_text(template.render(evidence=evidence, rows=results, licences=licences, file=file, states=STATES), PAGE)
