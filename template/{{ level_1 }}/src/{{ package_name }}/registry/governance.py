# Managed by copier-mlops: an update merges with your edits.
"""The rules of promotion."""

from typing import Literal

from ..core.settings import Settings
from ..core.thresholds import Thresholds


class Governance(Settings, env_prefix="GOVERNANCE_"):
    """The schema of `config/governance.yaml`."""

    environment: str
    approval: Literal["claimed", "github"]
    four_eyes: bool
    committed: bool
    compare: Thresholds
