# Managed by copier-mlops: an update merges with your edits.
"""The rules of promotion."""

from pydantic import NonNegativeFloat

from ..core.settings import Settings


class Governance(Settings, env_prefix="GOVERNANCE_"):
    """The schema of `config/governance.yaml`."""

    environment: str
    four_eyes: bool
    compare: dict[str, NonNegativeFloat]
