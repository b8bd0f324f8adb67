"""Adds what the template needs to a `pyproject.toml` of the team, and leaves each byte that is there."""

import re
import tomllib
from typing import Any

from copier_mlops.errors import CommandError

HEADER = re.compile(r"^\[([^\[\]]+)\][ \t]*(?:#.*)?$", re.MULTILINE)
TABLE = re.compile(r"^\[", re.MULTILINE)
# Tables without whose settings nothing runs, and what to do if the team has one of them.
ESSENTIAL = {
    "dependency-groups": "rename yours, commit, then again",
    "tool.poe": "move yours to [tool.poe.tasks] in the same file, or into the task files that you include, commit, then again",
}


def added(text: str, block: str) -> tuple[str, list[str]]:
    """Return the text with the tables of the block, and the settings that it has already, which stay.

    A table that is in both gets the lines of the block at its end; the others follow at the end of the file. Line ends
    are those of the text.

    Raises:
        CommandError: the text is not TOML, or has a table in a way that none can be added to.
    """
    if "\r\n" in text:
        if text.count("\n") != text.count("\r\n"):
            raise CommandError("pyproject.toml has two kinds of line ends: convert it to one, commit, then again")
        result, kept = added(text.replace("\r\n", "\n"), block)
        return result.replace("\n", "\r\n"), kept
    before, wanted = parsed(text), tomllib.loads(block)
    introduction, tables = parts(block)
    result, kept, appended = text, [], [introduction.rstrip("\n")]
    for name, body in tables:
        own = table(before, name)
        twice = [key for key in own if key in table(wanted, name)]
        if twice and name in ESSENTIAL:
            raise CommandError(
                f"pyproject.toml: {', '.join(twice)} in [{name}] is yours and the template's: {ESSENTIAL[name]}"
            )
        kept += [f"[{name}] {key}" for key in twice]
        lines = without(body, own).rstrip("\n")
        header = next((one for one in HEADER.finditer(result) if one[1].strip() == name), None)
        if header is None:
            appended.append(f"[{name}]\n{lines}")
        elif lines:
            result = inserted(result, header.end(), lines)
    end = "\n\n".join(appended) + "\n"
    result = f"{result.rstrip()}\n\n{end}" if result.strip() else end
    if not is_in(before, result):
        names = ", ".join(name for name, _ in tables)
        raise CommandError(
            f"nothing can be added to pyproject.toml as it is written: give {names} headers of their own,"
            f" such as [{tables[0][0]}]"
        )
    return result, kept


def parsed(text: str) -> dict[str, Any]:
    """Return the content of a `pyproject.toml`.

    Raises:
        CommandError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"pyproject.toml is not valid: {error}") from error


def parts(block: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what is before the first table, and name and lines of each table."""
    introduction, *pieces = HEADER.split(block)
    return introduction, list(zip(pieces[::2], (piece.lstrip("\n") for piece in pieces[1::2]), strict=True))


def table(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a table by its dotted name; empty if there is none."""
    found: Any = document
    for key in name.split("."):
        found = found.get(key, {})
    return found


def without(body: str, own: dict[str, Any]) -> str:
    """Return the lines of a table without the keys that are in `own`, each of which is one line there."""
    return "".join(line for line in body.splitlines(keepends=True) if line.partition("=")[0].strip() not in own)


def inserted(text: str, start: int, lines: str) -> str:
    """Return the text with lines at the end of the table whose header ends at `start`."""
    following = TABLE.search(text, start)
    end = following.start() if following else len(text)
    body = text[:end].rstrip()
    return f"{body}\n{lines}\n" + text[len(body) :].removeprefix("\n")


def is_in(part: Any, text: str) -> bool:
    """Return whether all settings are in a text, which may be no TOML at all."""
    try:
        return contains(tomllib.loads(text), part)
    except tomllib.TOMLDecodeError:
        return False


def contains(whole: Any, part: Any) -> bool:
    """Return whether everything of `part` is in `whole`."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains(whole[key], part[key]) for key in part)
    return whole == part
