"""Renders of the template, as a project was made from it and as it will be."""

import re
from pathlib import Path
from typing import Any

from copier import run_copy

from copier_mlops.answers import ANSWERS, questions
from copier_mlops.catalogue import released
from copier_mlops.errors import copier_errors

VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-(\d+)-g[0-9a-f]+)?")  # as `git describe` writes it


def render(recorded: dict[str, Any], folder: Path, version: str | None, *, ask: bool = False, **data: Any) -> Path:
    """Render the template with the recorded answers and those in `data`, and return the folder.

    Args:
        recorded: the answers file of the project.
        folder: a new folder.
        version: a tag or commit of the template; None is the newest.
        ask: whether to ask the questions that have no answer; else they take their defaults.
        data: answers, and the flags of copier.yml.

    Raises:
        CommandError: the template cannot be fetched, or does not accept an answer.
    """
    with copier_errors(lambda cause: explained(cause, newest=version is None, level=data.get("maturity_level"))):
        run_copy(
            recorded["_src_path"],
            folder,
            data={
                **questions(recorded),
                "applied_level": level_of(recorded),
                "maturity_level": level_of(recorded),
                **data,
            },
            answers_file=recorded["_answers_file"],
            vcs_ref=version,
            defaults=not ask,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )
    return folder


def level_of(recorded: dict[str, Any]) -> int:
    """Return the level that a project is at; its answer may have been edited since."""
    return recorded.get("applied_level", 0)


def is_older(version: str, other: str) -> bool:
    """Return whether a version of the template is known to be older than another."""
    found, compared = number_of(version), number_of(other)
    return bool(found and compared) and found < compared


def number_of(version: str) -> list[int]:
    """Return a version as numbers that can be compared; empty if it is a commit without a tag before it."""
    found = VERSION.fullmatch(version)
    return [int(number or 0) for number in found.groups()] if found else []


def explained(cause: str, *, newest: bool, level: int | None) -> str:
    """Return the cause of a failed render with what the user can do."""
    if "Unknown revision" in cause or "did not match any file" in cause:
        return (
            f"{cause}: the template has lost the version that {ANSWERS} names in _commit. Was a tag moved or renamed, or"
            " was the project made from changes that were never committed?"
        )
    if "must be a directory" in cause or "not found" in cause.lower():
        return f"{cause}: was the template moved? Its place is _src_path in {ANSWERS}"
    refused = cause.partition("'maturity_level': ")[2]
    if refused and not newest and level in released():
        return f"{refused}: this level is in a newer version of the template; add --update to take that as well"
    return refused or cause
