"""The probes as a plug-in of `repo-review`: its users get them beside their other checks."""

from datetime import date
from pathlib import Path
from typing import Any

from copier_mlops.maturity.assessment import Assessment, assess, level_name
from copier_mlops.maturity.probes import Probe, probes
from copier_mlops.maturity.repository import Repository

FAMILY = "maturity"


def maturity_assessment(root: Any) -> Assessment | None:
    """Fixture: the assessment of a folder; None of a repository that is not on this machine."""
    return assess(Repository(root), date.today()) if isinstance(root, Path) else None


class Check:
    """One probe."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.family = f"{FAMILY}-{probe.level}"
        self.requires: set[str] = set()
        self.__doc__ = probe.question

    def check(self, maturity_assessment: Assessment | None) -> bool | str | None:
        """Return whether the answer is yes, what to do if it is no, or None if it is unknown."""
        if maturity_assessment is None:
            return None
        (found,) = (one for one in maturity_assessment.findings if one.probe == self._probe)
        return None if found.answer == "unknown" else found.answer == "yes" or f"{self._probe.why} {found.remedy}"


def checks() -> dict[str, Check]:
    """Return a check for each probe."""
    return {probe.id: Check(probe) for probe in probes()}


def families() -> dict[str, dict[str, Any]]:
    """Return a family for each level."""
    return {
        f"{FAMILY}-{level}": {"name": f"MLOps maturity, {level_name(level)}", "order": level}
        for level in sorted({probe.level for probe in probes()})
    }
