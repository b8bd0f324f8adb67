# Managed by copier-mlops: an update merges with your edits.
"""What the last run cost, and at whose prices."""

from datetime import UTC, datetime

from ...core.cost import Prices, TrainingCost

TITLE = "Cost"


def markdown() -> str:
    """Return the section; empty if no cost was recorded."""
    if (cost := TrainingCost.read()) is None:
        return ""
    prices, usage = Prices.load(), cost.usage
    kept = ", ".join(f"{name} {limit:g}" for name, limit in prices.budget.items()) or "none"
    used = f"{usage.wall_seconds:.0f} s, {usage.cpu_seconds:.0f} CPU seconds and {usage.gigabytes:.2f} GB"
    lines = [
        f"| what | {cost.currency} |",
        "| --- | --- |",
        f"| CPU time and memory that the run used | {cost.used:.3g} |",
        f"| the rented machine as long as the run took | {cost.rented:.3g} |",
        "",
        f"Charged: **{cost.charged:.3g} {cost.currency}**, for {used}; budget: {kept}.",
        f"Prices as of {cost.as_of}: {prices.source}.",
    ]
    if warning := prices.warning(datetime.now(UTC).date()):
        lines.append(f"**Warning: {warning}.**")
    return "\n".join(lines)
