# Managed by copier-mlops: an update merges with your edits.
"""Errors that the user can fix."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Describes in one line what is wrong and what to do."""


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
