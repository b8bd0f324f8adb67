# Managed by copier-mlops: an update merges with your edits.
"""The evidence of the last retraining: section of the report, text of the pull request and of the issue."""

from typing import Any

from ...core.io import read_json, write_text
from ...core.paths import REPORTS
from ..html import code

TITLE = "Retraining"
RECORD, MONITORING, PAGE = REPORTS / "retrain.json", REPORTS / "monitoring.json", REPORTS / "retraining.md"
CHOICES = """\
What to do, one of three:

1. **Dismiss and tune**: the world is as before. Raise the floors in `config/monitoring.yaml`, so that this stays quiet.
2. **Roll back**: the champion is wrong. `uv run poe rollback`, see `docs/runbooks/roll-back.md`.
3. **Label and retrain**: the world has changed. Bring labels (`uv run poe labels`), make rows of them
   (`uv run poe new-data --from-log`), then `uv run poe retrain`.
"""


def write(record: dict[str, Any]) -> None:
    """Write the evidence to `reports/retraining.md`."""
    problems = {trigger["kind"] for trigger in record["triggers"]} - {"schedule", "new rows"}
    write_text(evidence(record) + ("\n" + CHOICES if record["decided"] and problems else ""), PAGE)


def markdown() -> str:
    """Return the section; nothing before the first retraining."""
    return evidence(read_json(RECORD)) if RECORD.exists() else ""


def evidence(record: dict[str, Any]) -> str:
    """Return the evidence of what `reports/retrain.json` holds."""
    lines = [f"**{'Trained again' if record['decided'] else 'Not trained again'}**: {record['reason']}.", ""]
    if record["outcome"]:
        lines += [f"**Outcome**: {record['outcome']}.", ""]
    if compared := record["comparison"]:
        lines += _comparison(record["candidate"], compared)
    if record["decided"] and MONITORING.exists():
        lines += _monitoring(read_json(MONITORING))
    return "\n".join(lines)


def _comparison(candidate: str, compared: dict[str, Any]) -> list[str]:
    """Return the table of candidate and champion."""
    if compared["difference"] is None:
        return [f"Not compared, {compared['verdict']}: {compared['rows']} rows are new to both models.", ""]
    return [
        f"| {compared['measure']}, {compared['rows']:,} rows that are new to both | |",
        "| --- | --- |",
        f"| champion {compared['champion']} | {compared['champion_loss']:.4f} |",
        f"| candidate {candidate} | {compared['candidate_loss']:.4f} |",
        f"| difference | {compared['difference']:+.1%} ({compared['low']:+.1%} to {compared['high']:+.1%}) |",
        f"| margin | {compared['margin']:+.1%} |",
        f"| verdict | {compared['verdict']} |",
        "",
    ]


def _monitoring(found: dict[str, Any]) -> list[str]:
    """Return the columns that drifted in the last batch."""
    alarms = [column for column in found["drift"]["columns"] if column["alarm"]]
    if not alarms:
        return []
    rows = [f"| {code(one['name'])} | {one['test']} | {one['effect']:.3f} | {one['p_value']:.2g} |" for one in alarms]
    return ["| drifted column | test | effect | p |", "| --- | --- | --- | --- |", *rows, ""]
