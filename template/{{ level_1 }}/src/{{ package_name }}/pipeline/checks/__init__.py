# Managed by copier-mlops: an update merges with your edits.
"""Registration checks: each module here has a function `shortfalls(candidate) -> list[str]`.

One that has `REPLACES`, the name of another module here, is used in its place.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...core.discovery import modules
from ...core.run_record import Champion
from ...modeling.params import Params


@dataclass(frozen=True)
class Candidate:
    """A trained and evaluated model that may become the challenger."""

    name: str  # in the registry
    model: Any
    params: Params
    metrics: dict[str, float]  # on the test rows
    test: pd.DataFrame
    champion: Champion | None  # on the same test rows; None if there is nothing to compare with


def shortfalls(candidate: Candidate) -> list[str]:
    """Return why a candidate may not become the challenger, one line each; empty if it may."""
    found = {module.__name__.rpartition(".")[2]: module for module in modules(__name__)}
    replaced = {getattr(module, "REPLACES", None) for module in found.values()}
    return [line for name, module in found.items() if name not in replaced for line in module.shortfalls(candidate)]
