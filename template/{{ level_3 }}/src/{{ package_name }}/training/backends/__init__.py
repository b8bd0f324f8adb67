# Managed by copier-mlops: an update merges with your edits.
"""Platforms that train or serve the model: each module here checks a request and sends it.

`check(operation, content)` raises what the types in `PACKAGE` raise; `send(request)` returns what it made.
"""

import json
import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, NonNegativeFloat, PositiveInt

from ...core.config import load
from ...core.cost import PriceList
from ...core.errors import UserError
from ...core.lineage import CODE, git

Request = dict[str, dict[str, Any]]  # content by operation, in this order
Found = TypeVar("Found")


class Rent(BaseModel, extra="forbid", frozen=True):
    """What the platform charges for."""

    region: str
    machine: str
    count: PositiveInt = 1
    spot: bool = False
    seconds: PositiveInt | None = None  # at most; without it, until it is deleted


class Plan(BaseModel, extra="forbid", frozen=True):
    """The schema of the files in `config/jobs/` and `config/endpoints/`."""

    rent: Rent
    request: Request

    def filled(self, **values: str) -> Self:
        """Return the plan with values, and those of `rent`, in place of `{name}`, `{region}` and the like."""
        text = self.model_dump_json()
        for key, value in {**self.rent.model_dump(), **values}.items():
            text = text.replace(f"{{{key}}}", json.dumps(str(value))[1:-1])
        return self.model_validate_json(text)


class Hour(BaseModel, extra="forbid", frozen=True):
    """Prices of a machine for an hour."""

    on_demand: NonNegativeFloat
    spot: NonNegativeFloat | None = None


class MachinePrices(PriceList, env_prefix="MACHINE_PRICES_"):
    """The schema of `config/machine_prices.yaml`."""

    hours: dict[str, Hour]  # by platform, region and machine

    def hour(self, platform: str, rent: Rent) -> float:
        """Return what the machines cost an hour, or raise a `UserError` with the nearest that have a price."""
        price = pick(self.hours, f"{platform} {rent.region} {rent.machine}", f"{self.path()}: hours")
        return rent.count * (price.spot if rent.spot and price.spot is not None else price.on_demand)


def pick(known: Mapping[str, Found], name: str, place: str) -> Found:
    """Return what has this name, or raise a `UserError` with the nearest names."""
    if name not in known:
        raise UserError(f"{place}: there is no {name}; nearest: {', '.join(get_close_matches(name, known, 3, 0))}")
    return known[name]


def find(backend: str) -> Any:
    """Return the module of a platform, or raise a `UserError`."""
    names = {found.name: f".{found.name}" for found in pkgutil.iter_modules(__path__)}
    return import_module(pick(names, backend, "backend"), __name__)


def read_plan(folder: str, backend: str, name: str) -> Plan:
    """Return the plan for a platform in a folder of `config/`, at the commit of this folder, or raise a `UserError`."""
    files = {path.stem: path for path in sorted(Path("config", folder).glob("*.yaml"))}
    return load(pick(files, backend, f"config/{folder}"), Plan).filled(name=name, revision=git("rev-parse", "HEAD"))


def require_pushed() -> None:
    """Raise a `UserError` if a job that clones the repository would not train what is in this folder."""
    if git("status", "--porcelain", "--", *CODE) or not git("branch", "--remotes", "--contains", "HEAD"):
        raise UserError("the job clones the commit: commit all code, `git push` and `uv run poe push`, then submit")
