# Managed by copier-mlops: an update merges with your edits.
"""What each team costs: its quota at the prices of `config/cost.yaml`, and its servers as Prometheus has them."""

from ..core.cost import Machine, Prices
from ..core.prometheus import query
from .files import Quota, read_all

MONTH_SECONDS = 730 * 3600
SERVERS = "sum by (team, currency) (cost_server_second{team!=''})"


def quota_month(quota: Quota, prices: Prices) -> float:
    """Return what pods that take all of a quota cost in a month, without GPUs: `config/cost.yaml` has no price of them."""
    size = Machine(vcpus=quota.cpu_cores, gigabytes=quota.memory_gib * 2**30 / 1e9)
    return MONTH_SECONDS * prices.per_second(size)


def lines(prometheus: str | None) -> list[str]:
    """Return a line for each team.

    Raises:
        UserError: a file of `teams/` is not valid, or Prometheus cannot be reached.
    """
    files, prices, found = read_all(), Prices.load(), []
    servers = {labels["team"]: (value, labels["currency"]) for labels, value in query(prometheus, SERVERS)} if prometheus else {}
    for name, namespaces in ((file.team.team, file.team.namespaces) for file in files):
        line = f"{name}: quota {sum(quota_month(one.quota, prices) for one in namespaces):.2f} {prices.currency} a month"
        if prometheus:
            value, currency = servers.get(name, (0.0, prices.currency))
            line += f", servers {MONTH_SECONDS * value:.2f} {currency} a month"
        found.append(line)
    return found
