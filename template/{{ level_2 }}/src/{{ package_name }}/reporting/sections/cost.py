# Managed by copier-mlops: an update merges with your edits.
"""What the last run and its predictions cost, and at whose prices."""

from datetime import UTC, datetime

from ...core.cost import Prices, RunCost

TITLE = "Cost"


def markdown() -> str:
    """Return the section; empty if no cost was recorded."""
    if (cost := RunCost.read()) is None:
        return ""
    prices, usage, predictions = Prices.load(), cost.usage, cost.thousand_predictions
    limits = ", ".join(f"{name} {limit:g}" for name, limit in prices.budget.items()) or "none"
    warning = prices.warning(datetime.now(UTC).date())
    return f"""\
| {cost.currency} | used | paid for |
| --- | --- | --- |
| this run | {cost.used:.3g} | {cost.rented:.3g} if the machine is rented |
| a thousand predictions, at full load | {predictions.marginal:.3g} | {predictions.paid:.3g} |

Charged: **{cost.charged:.3g} {cost.currency}**, for {usage.wall_seconds:.0f} s, {usage.cpu_seconds:.0f} CPU seconds and \
{usage.gigabytes:.2f} GB. Budget: {limits}. Prices as of {cost.as_of}: {prices.source}.
{f"**Warning: {warning}.**" if warning else ""}"""
