# Managed by copier-mlops: an update merges with your edits.
"""A running A/B test: what the registry holds of it, and in which arm an entity is. Server and report use both."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

ALIAS = "treatment"  # of the version under test; the control is the default of the servers
TAG = "experiment"  # of the registered model: a `Running` as JSON; other programs that divide requests use `experiment.KIND`
BUCKETS = 10_000


class Running(BaseModel, frozen=True):
    """What was started; it stays the same if the plan in `config/experiment.yaml` is edited meanwhile."""

    name: str
    control: str  # version
    treatment: str  # version
    share: float  # of the entities, for the treatment
    started: datetime
    stopped: datetime | None = None
    planned: int  # entities of both arms together
    plan: dict[str, Any]


def all_running(tags: Mapping[str, str]) -> list[str]:
    """Return the names of all that divide requests now, given the tags of the registered model."""
    found = [json.loads(text) for tag, text in tags.items() if tag.partition(".")[0] == TAG]
    return [one["name"] for one in found if one["stopped"] is None]


def in_treatment(experiment: str, entity: str, share: float) -> bool:
    """Return whether an entity is in the treatment: always the same answer in all processes, and independent of other names.

    With a larger share, those that were in the treatment stay there.
    """
    digest = blake2b(f"{experiment}:{entity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS < share * BUCKETS
