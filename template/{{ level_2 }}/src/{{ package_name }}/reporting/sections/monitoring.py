# Managed by copier-mlops: an update merges with your edits.
"""The last batch of predictions, in the report."""

from ...core.io import read_json
from ...core.paths import REPORTS
from ..html import code

TITLE = "In production"
RESULT = REPORTS / "monitoring.json"


def markdown() -> str:
    """Return what monitoring found; nothing before the first batch."""
    if not RESULT.exists():
        return ""
    found = read_json(RESULT)
    drifted = [code(one["name"]) for one in [found["drift"]["prediction"], *found["drift"]["columns"]] if one["alarm"]]
    batch = f"Version {found['version']}, {found['rows']:,} predictions until {found['end'][:16]}"
    drift = f"drift in {', '.join(drifted)}" if drifted else "no drift"
    lines = [f"{batch}: {drift} ([page](monitoring.html)).", *map(code, found["quality"]["problems"])]
    if performance := found["performance"]:
        metrics = (
            f"| {name} | {one['value']:.4g} | {one['low']:.4g} to {one['high']:.4g} |"
            for name, one in performance["metrics"].items()
        )
        lines.append("\n".join(["| metric | value | 95 % |", "| --- | --- | --- |", *metrics]))
    return "\n\n".join(lines)
