# Managed by copier-mlops: an update merges with your edits.
"""What remediation can do: each `Action` in a module here, by its name."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from ....core.discovery import modules
from ....registry import notifications
from ..settings import Remediation
from ..store import Remedy

Step = Callable[[Remediation, Remedy], str]  # returns what was done, in one line


class Action(NamedTuple):
    """What is done. A `UserError` of a function is escalated to a person; after a crash in one it is called again."""

    before: Callable[[Remediation], dict[str, Any]]  # what the others need to know, as JSON; it changes nothing
    act: Step
    undo: Step | None = None


def page_person(text: str) -> str:
    """Send a person a message, which the log has too, and return it."""
    logging.getLogger(__name__).warning(sent := notifications.send(f"Page: {text}"))
    return sent


def found() -> dict[str, Action]:
    """Return all actions by name."""
    parts = [part for module in modules(__name__) for part in vars(module).items()]
    return {name: each for name, each in parts if isinstance(each, Action)}
