# Managed by copier-mlops: an update merges with your edits.
"""What can go wrong in a way that the user can mend."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Says in a line what is wrong and what to do."""


@contextmanager
def reported(what: str) -> Iterator[None]:
    """End the program with exit code 1 and one line, not a traceback, where the block raises a `UserError`."""
    try:
        yield
    except UserError as error:
        print(f"{what}: {error}", file=sys.stderr)
        raise SystemExit(1) from error
