# Managed by copier-mlops: an update merges with your edits.
"""A running bandit: what the registry holds of it, and how it divides requests. Server and learner both use it."""

from base64 import b85decode, b85encode
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

ALIASES = ["arm-1", "arm-2", "arm-3", "arm-4"]  # of the versions besides the champion
TAG = "experiment.bandit"  # of the registered model: a `Running` as JSON
MAX_TAG = 5_000  # characters, in MLflow on PostgreSQL or MySQL
FARTHEST = 5.0  # standard deviations from its mean: a feature beyond them counts as that far
Policy = Literal["thompson", "epsilon_greedy", "linucb"]


class Running(BaseModel, frozen=True):
    """What was started and learned; the plan stays the same if `config/bandit.yaml` is edited meanwhile."""

    name: str
    policy: Policy
    versions: list[str]  # the champion first
    exploration: float  # share of the requests that all versions get alike
    features: dict[str, tuple[float, float]] = {}  # mean and standard deviation in the data of the champion
    removed: dict[str, str] = {}  # why, by version
    revision: int = 0  # counts what was learned
    shares: list[float] = []  # of the versions in the other requests; empty with LinUCB
    weights: str = ""  # of LinUCB: (versions, features + 1), the expected reward is `weights @ context`
    roots: str = ""  # of LinUCB: (versions, triangle), the bonus is the norm of `context @ root`
    started: datetime
    stopped: datetime | None = None
    reason: str = ""  # for which it was stopped
    plan: dict[str, Any]

    @property
    def active(self) -> np.ndarray:
        """Whether each version gets requests."""
        return np.array([version not in self.removed for version in self.versions])

    def contexts(self, columns: Any) -> np.ndarray:
        """Return 1 and the standardized features of each row, (rows, features + 1); a missing value counts as the mean.

        Args:
            columns: values by the name of the feature: a mapping or a table.
        """
        values = np.array([columns[name] for name in self.features], float).T
        scaled = (values - self._moments[0]) / self._moments[1]
        scaled[np.isnan(scaled)] = 0
        found = np.ones((len(scaled), len(self.features) + 1))
        np.minimum(np.maximum(scaled, -FARTHEST), FARTHEST, out=found[:, 1:])
        return found

    @cached_property
    def _moments(self) -> np.ndarray:
        return np.array([*self.features.values()]).T


class Decider:
    """Divides requests among the versions of a bandit."""

    def __init__(self, running: Running) -> None:
        self.running, self._shares = running, np.array(running.shares)
        active, explored = running.active, running.exploration
        self._lost, self._explored, self._rest = ~active, explored * active / active.sum(), 1 - explored
        if not running.shares:
            size, count = len(running.features) + 1, len(running.versions)
            self._weights = unpacked(running.weights).reshape(count, size)
            self._roots = np.zeros((count, size, size))
            self._roots[:, *np.tril_indices(size)] = unpacked(running.roots).reshape(count, -1)

    def probabilities(self, context: np.ndarray | None = None) -> np.ndarray:
        """Return the probability of each version, given the features of a request if the policy is LinUCB.

        LinUCB: Li, Chu, Langford and Schapire 2010, "A contextual-bandit approach to personalized news article
        recommendation", algorithm 1; several best versions are equally likely.
        """
        shares = self._shares
        if context is not None:
            score = self._weights @ context + np.sqrt(((context @ self._roots) ** 2).sum(axis=1))
            score[self._lost] = -np.inf
            best = score == score.max()
            shares = best / best.sum()
        return self._explored + self._rest * shares

    def draw(self, entity: str, probabilities: np.ndarray) -> int:
        """Return the place of a version, drawn with these probabilities: the same in all processes until the next revision."""
        key = f"{self.running.name}:{self.running.revision}:{entity}".encode()
        uniform = int.from_bytes(blake2b(key, digest_size=6).digest(), "big") / 2**48
        sums = probabilities.cumsum()
        return int(np.searchsorted(sums / sums[-1], uniform, side="right"))


@lru_cache(maxsize=8)
def decider(tag: str) -> Decider | None:
    """Return what a tag holds, or None if it has been stopped."""
    found = Running.model_validate_json(tag)
    return None if found.stopped else Decider(found)


def packed(values: np.ndarray) -> str:
    """Return numbers as text, of 16 bits each."""
    return b85encode(values.astype("<f2").tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """Return the numbers of `packed`."""
    return np.frombuffer(b85decode(text), "<f2").astype(float)
