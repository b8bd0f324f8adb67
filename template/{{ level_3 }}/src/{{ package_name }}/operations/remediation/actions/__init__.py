# Managed by copier-mlops: an update merges with your edits.
"""What remediation can do: each `Action` in a module here, by its name."""

import logging
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

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
    modules = (import_module(f".{each.name}", __name__) for each in pkgutil.iter_modules(__path__))
    return {name: each for module in modules for name, each in vars(module).items() if isinstance(each, Action)}
