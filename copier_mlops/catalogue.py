"""The levels and what each one adds, as the template describes them."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
# In a wheel it is beside this module; an editable install reads it where the template does.
PLACES = (PACKAGE / "catalogue.toml", PACKAGE.parent / "extensions" / "catalogue.toml")


@cache
def levels() -> list[dict[str, Any]]:
    """Return the levels in their order."""
    place = next(path for path in PLACES if path.exists())
    return tomllib.loads(place.read_text(encoding="utf-8"))["levels"]


def released() -> list[int]:
    """Return the numbers of the levels that the newest version of the template has."""
    return [level["number"] for level in levels() if level["released"]]
