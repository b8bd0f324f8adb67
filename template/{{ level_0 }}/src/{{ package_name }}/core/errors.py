# Managed by copier-mlops: an update merges with your edits.
"""Errors that the user can fix."""

import errno
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager

# In a URL: the password before the host, and what a query signs with.
SECRET = re.compile(r"(?<=://)([^/\s:@]*):[^/\s]+@|(?<=[?&])(password|sig|token)=[^&\s]+", re.IGNORECASE)
# Of a disk that is full or over quota, and of a file or folder that is missing, that is a folder or file instead, or that this user
# may not write or read.
OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
OF_THE_DISK |= {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST}


class UserError(Exception):
    """Describes in one line what is wrong and what to do; passwords in URLs are masked, since logs keep it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            SECRET.sub(lambda found: f"{found[1]}:***@" if found[2] is None else f"{found[2]}=***", problem)
        )


@contextmanager
def exit_on_user_error(command: str) -> Generator[None]:
    """Exit with code 1 and one line, not a traceback, if the block raises a `UserError` or a file cannot be used."""
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        problem = f"{error.filename or 'a file'} cannot be used: {error.strerror}"
    except UserError as error:
        problem = str(error)
    else:
        return
    print(f"{command}: {problem}", file=sys.stderr)
    raise SystemExit(1)
