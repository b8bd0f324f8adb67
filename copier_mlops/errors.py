"""Errors that end a command with one clear message instead of a traceback."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from copier.errors import CopierError


class CommandError(Exception):
    """An error that the user can fix; the message states the cause and what to do."""


@contextmanager
def copier_errors(explain: Callable[[str], str] = str) -> Iterator[None]:
    """Turn an error of Copier, or of the Git that it runs, into a CommandError with the cause as `explain` words it."""
    try:
        yield
    except KeyboardInterrupt:  # Copier's own kind is a CopierError as well
        raise
    except (CopierError, ValueError, TypeError, OSError, subprocess.SubprocessError) as error:
        text = " ".join(str(error).split())
        raise CommandError(explain(text.partition("Stderr: | ")[2].replace(" | ", " ") or text)) from error
