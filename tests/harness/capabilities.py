"""The capabilities of the catalogue, and which files of the template belong to each."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlops import catalogue
from pathspec import PathSpec

from harness.template import destination, relative, sources


@dataclass(frozen=True)
class Capability:
    """A unit of what a level adds."""

    level: int
    name: str
    what: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    docs: str
    task: str = ""
    run: str = ""
    checked: str = ""
    not_here: str = ""

    def owns(self, path: str) -> bool:
        """Return whether the file that is rendered to `path` belongs to the capability."""
        return _spec(self.files).match_file(path)


@cache
def _spec(patterns: tuple[str, ...]) -> PathSpec:
    return PathSpec.from_lines("gitignore", patterns)


@cache
def capabilities() -> list[Capability]:
    """Return the capabilities of all levels."""
    return [
        _capability(level["number"], entry)
        for level in catalogue()["levels"]
        for entry in level.get("capabilities", [])
    ]


def _capability(level: int, entry: dict[str, Any]) -> Capability:
    listed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    return Capability(level=level, **listed)


def level_of(source: Path) -> int:
    """Return the level that brings a file of the template; the answers file belongs to level 0."""
    found = re.search(r"\{\{ level_(\d) \}\}", relative(source))
    return int(found[1]) if found else 0


def owners(source: Path) -> list[Capability]:
    """Return the capabilities to which a file of the template belongs."""
    path = destination(source)
    return [each for each in capabilities() if each.level == level_of(source) and each.owns(path)]


@cache
def pages() -> dict[str, int]:
    """Return the level that brings each docs page, by the path to which it is rendered."""
    found = {destination(source): level_of(source) for source in sources()}
    return {path: level for path, level in found.items() if path.startswith("docs/")}
