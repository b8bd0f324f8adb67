# Managed by copier-mlops: an update merges with your edits.
"""One page for managers: models, delivery, error budgets, cost, open exceptions: `poe overview`.

Method: the four measures of DORA (Forsgren, Humble and Kim, Accelerate, 2018), of models in place of code. They assume that
each change of the champion is made by `poe promote` or `poe rollback`, which record it in the audit log.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from statistics import median
from typing import Any, NamedTuple

from mlflow import MlflowClient

from ..core.compliance import AcceptedFindings
from ..core.cost import RunCost
from ..core.errors import UserError, exit_on_user_error
from ..core.paths import REPORTS
from ..core.slo import Budget, ErrorBudget, Slos, budgets
from ..registry.audit_log import Event, entries
from ..registry.client import connected
from .html import write_page
from .report import pages

PAGE = REPORTS / "overview.html"
PROMOTION, ROLLBACK = "promotion done", "rollback done"
MONTHS = 6  # that the page shows


class Delivery(NamedTuple):
    """How a model is delivered."""

    model: str
    champion: str  # version
    since: datetime
    by: str  # who approved it
    promotions: dict[str, int]  # by month, the newest first
    lead_days: float | None  # median, from the newest row of the training data to the promotion
    failures: float  # share of promotions that were rolled back
    restore_hours: float | None  # median, from a promotion to its rollback: at most so long was it wrong


def deliveries(
    log: Iterable[Mapping[str, Any]], data_until: Mapping[tuple[str, str], date], now: datetime
) -> list[Delivery]:
    """Return how each model is delivered.

    Args:
        log: entries of the audit log, the oldest first.
        data_until: what `trained_until` returns.
        now: in the last month that is counted.
    """
    moves = [entry for entry in log if entry["event"] in (PROMOTION, ROLLBACK)]
    return [
        _delivery([entry for entry in moves if entry["model"] == model], data_until, now)
        for model in sorted({entry["model"] for entry in moves})
    ]


def _delivery(moves: list[Mapping[str, Any]], data_until: Mapping[tuple[str, str], date], now: datetime) -> Delivery:
    promoted, lead, restore = {}, [], []
    for move in moves:
        time, version = datetime.fromisoformat(move["timestamp"]), move["version"]
        if move["event"] == PROMOTION:
            promoted[version] = time
            if until := data_until.get((move["model"], version)):
                lead.append((time.date() - until).days)
        elif (bad := Event.from_entry(dict(move)).details.get("instead_of")) in promoted:
            restore.append((time - promoted[bad]).total_seconds() / 3600)
    months = [f"{number // 12}-{number % 12 + 1:02}" for number in range(now.year * 12 + now.month - 1, 0, -1)[:MONTHS]]
    counts = Counter(move["timestamp"][:7] for move in moves if move["event"] == PROMOTION)
    total, last = sum(counts.values()), moves[-1]
    return Delivery(
        last["model"],
        last["version"],
        datetime.fromisoformat(last["timestamp"]),
        last["approval_status"],
        {month: counts[month] for month in months},
        median(lead) if lead else None,
        (len(moves) - total) / total if total else 0.0,
        median(restore) if restore else None,
    )


def trained_until(names: Iterable[str]) -> dict[tuple[str, str], date]:
    """Return the day of the newest row of each version of some models, as the registry has it."""
    with connected():
        versions = [one for name in names for one in MlflowClient().search_model_versions(f"name = '{name}'")]
    tags = {(one.name, str(one.version)): one.tags.get("data_until") for one in versions}
    return {key: date.fromisoformat(until) for key, until in tags.items() if until}


def measured() -> tuple[list[Budget], str]:
    """Return the error budgets, and why there are none."""
    if not (address := ErrorBudget.load().prometheus):
        return [], "no Prometheus is set in config/error_budget.yaml"
    try:
        return budgets(Slos.load(), address), ""
    except UserError as error:
        return [], str(error)


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(prog="poe overview", description=f"Write {PAGE}.").parse_args()
    with exit_on_user_error("overview"):
        now, log = datetime.now(UTC), entries()
        found, reason = measured()
        values = {
            "deliveries": deliveries(log, trained_until({entry["model"] for entry in log}), now),
            "budgets": found,
            "reason": reason,
            "cost": RunCost.read(),
            "accepted": sorted(AcceptedFindings.load().accepted, key=lambda one: one.until),
            "now": now,
            "pages": {title: name for title, name in pages().items() if name != PAGE.name},
        }
        write_page(PAGE, **values)
        print(f"{PAGE} is written")


if __name__ == "__main__":
    main()
