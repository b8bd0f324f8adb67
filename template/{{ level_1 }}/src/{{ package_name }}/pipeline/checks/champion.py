# Managed by copier-mlops: an update merges with your edits.
"""The candidate must not be worse than the champion on the same test rows."""

from ...core.thresholds import check_names, metric_of, misses
from ...registry.governance import Governance
from . import Candidate


def shortfalls(candidate: Candidate) -> list[str]:
    """Return one line for each difference to the champion that misses its limit; empty if there is no champion.

    Raises:
        UserError: `config/governance.yaml` names an unknown metric.
    """
    if (champion := candidate.champion) is None:
        return []
    limits = Governance.load().compare
    check_names(limits, champion.metrics, f"{Governance.path()}: compare")
    lines = []
    for threshold, limit in limits.items():
        name = metric_of(threshold)
        found, best = candidate.metrics[name], champion.metrics[name]
        if misses(found - best, threshold, limit):
            lines.append(
                f"{name} {found:.4g} is worse than that of champion {champion.version}, {best:.4g}: "
                f"the difference {found - best:+.4g} misses {threshold} {limit:g}"
            )
    return lines
