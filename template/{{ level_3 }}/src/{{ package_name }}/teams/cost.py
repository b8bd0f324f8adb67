# Managed by copier-mlops: an update merges with your edits.
"""What each team costs: its quota by `config/cost.yaml`, without GPUs, and its servers as Prometheus has them."""

import argparse

from ..core.cost import Machine, Prices
from ..core.prometheus import query
from .files import read_all

MONTH_SECONDS = 30 * 24 * 3600
SERVERS = "sum by (team, currency) (cost_server_second{team!=''})"


def lines(options: argparse.Namespace) -> list[str]:
    """Return a line for each team."""
    prices, found = Prices.load(), []
    samples = query(options.prometheus, SERVERS) if options.prometheus else []
    for team in (file.team for file in read_all()):
        sizes = [
            Machine(vcpus=one.quota.cpu_cores, gigabytes=one.quota.memory_gib * 1.073741824) for one in team.namespaces
        ]
        parts = [f"quota {MONTH_SECONDS * sum(map(prices.per_second, sizes)):.2f} {prices.currency}"]
        parts += [
            f"servers {MONTH_SECONDS * value:.2f} {one['currency']}"
            for one, value in samples
            if one["team"] == team.team
        ]
        found.append(f"{team.team}: {', '.join(parts)} a month")
    return found
