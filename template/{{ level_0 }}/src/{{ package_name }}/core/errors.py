# Managed by copier-mlops: an update merges with your edits.
"""Errors that the user can fix."""

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# In a URL: the password before the host, and what a query signs with.
SECRET = re.compile(r"(?<=://)([^/\s:@]*):[^/\s]+@|(?<=[?&])(password|sig|token)=[^&\s]+", re.IGNORECASE)


class UserError(Exception):
    """Describes in one line what is wrong and what to do; passwords in URLs are masked, since logs keep it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            SECRET.sub(lambda found: f"{found[1]}:***@" if found[2] is None else f"{found[2]}=***", problem)
        )


@contextmanager
def exit_on_user_error(command: str) -> Iterator[None]:
    """Exit with code 1 and one line, not a traceback, if the block raises a `UserError` or the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"{command}: {error.filename or 'a file'} cannot be written: {error.strerror}", file=sys.stderr)
        raise SystemExit(1) from error
    except UserError as error:
        print(f"{command}: {error}", file=sys.stderr)
        raise SystemExit(1) from error
