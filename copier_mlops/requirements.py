"""Merges the lists of requirements in `pyproject.toml` by requirement, where a merge by line would conflict.

`uv add` and a newer version of the template both write into these lists, often in adjacent lines.
"""

from collections.abc import Iterator
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from tomlkit.items import Array

Place = tuple[str, ...]
Entry = str | dict[str, Any]  # a requirement, or a table such as { include-group = "…" }
Change = tuple[Place, Entry, Entry]  # list, entry before and after; empty if there is none


def postponed(base: str, ours: str, theirs: str) -> tuple[str, list[Change]]:
    """Return the template's text without its changes of lists that the team edited too, and these changes.

    A requirement that both sides changed, each in its way, stays in the text and is a conflict.
    """
    old, mine, document = lists(base), lists(ours), tomlkit.parse(theirs)
    changes: list[Change] = []
    for place, after in lists(theirs).items():
        before = old.get(place)
        if place not in mine or before is None or before in (mine[place], after):
            continue
        found = [*changed(place, before, after)]
        if all(can_apply(change, mine[place]) for change in found):
            changes += found
            put(document, place, tomlkit.parse(base))
    return tomlkit.dumps(document), changes


def applied(text: str, changes: list[Change]) -> str:
    """Return the merged text with the postponed changes."""
    document = tomlkit.parse(text)
    found = dict(arrays(document))
    for place, before, after in changes:
        array = found[place]
        names = [name_of(entry) for entry in array.unwrap()]
        if before and name_of(before) in names:
            number = names.index(name_of(before))
            if after:
                array[number] = after
            else:
                array.pop(number)
        elif not before and name_of(after) not in names:  # what the team removed stays away
            array.insert(len([name for name in names if name < name_of(after)]), after)
    return tomlkit.dumps(document)


def can_apply(change: Change, mine: list[Entry]) -> bool:
    """Return whether the team left the requirement as it was, or does not have it."""
    _, old, new = change
    present = {name_of(entry): entry for entry in mine}
    return present.get(name_of(old or new)) in (None, old or new)


def changed(place: Place, before: list[Entry], after: list[Entry]) -> Iterator[Change]:
    """Yield the changes between two lists."""
    old, new = ({name_of(entry): entry for entry in entries} for entries in (before, after))
    for name in old | new:
        if old.get(name) != new.get(name):
            yield place, old.get(name, ""), new.get(name, "")


def lists(text: str) -> dict[Place, list[Entry]]:
    """Return all lists of requirements."""
    return {place: array.unwrap() for place, array in arrays(tomlkit.parse(text))}


def arrays(document: tomlkit.TOMLDocument) -> Iterator[tuple[Place, Array]]:
    """Yield all lists of requirements and where they are."""
    project = document.get("project", {})
    if "dependencies" in project:
        yield ("project", "dependencies"), project["dependencies"]
    for table in (("dependency-groups",), ("project", "optional-dependencies")):
        found = document
        for key in table:
            found = found.get(key, {})
        for name, array in found.items():
            yield (*table, name), array


def put(document: tomlkit.TOMLDocument, place: Place, source: tomlkit.TOMLDocument) -> None:
    """Write a list as it is in another document."""
    found, other = document, source
    for key in place[:-1]:
        found, other = found[key], other[key]
    found[place[-1]] = other[place[-1]]


def name_of(entry: Entry) -> str:
    """Return the name and marker of a requirement; what is none, such as an included group, is its own name."""
    if not isinstance(entry, str):
        return str(entry)
    try:
        found = Requirement(entry)
    except InvalidRequirement:
        return entry
    return f"{found.name.lower()} {found.marker or ''}"
