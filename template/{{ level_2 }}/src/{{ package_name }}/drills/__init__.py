# Managed by copier-mlops: an update merges with your edits.
"""Drills: each module here causes a fault in a copy of the project and waits for the loop to close, in `main() -> Evidence`.

`poe drill NAME` runs one and writes what happened to `reports/drills/NAME.json`, and all evidence to `reports/drills.html`.
"""

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, NonNegativeFloat, NonNegativeInt

from ..core.errors import UserError
from ..core.io import read_docstring
from ..core.paths import REPORTS

FOLDER = REPORTS / "drills"  # of the evidence


class NotRecoveredError(UserError):
    """The loop did not do what the drill waits for."""


class Evidence(BaseModel, frozen=True, extra="forbid"):
    """What a drill saw; seconds count from the fault, the last one if there are several, and are None for what did not happen."""

    fault: str  # what was caused
    detected_after_seconds: NonNegativeFloat | None
    decision: str  # of the system, in its own words
    action: str  # that followed
    recovered_after_seconds: NonNegativeFloat | None
    requests: NonNegativeInt = 0  # sent to the live server meanwhile
    requests_failed: NonNegativeInt = 0
    recovered: bool
    ended: AwareDatetime | None = None
    code: str | None = None  # commit of the project, with "-dirty" if a file outside reports/ is not committed


def fault_of(module: str) -> str:
    """Return what the drill in a module breaks: the start of its docstring, up to a colon."""
    return read_docstring(Path(__path__[0], f"{module}.py")).partition(":")[0]
