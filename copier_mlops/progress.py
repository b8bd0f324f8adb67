"""What Copier prints for people, without a line for each file."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TextIO

LISTED = re.compile(r"(?:\x1b\[[\d;]*m)*\s+(?:create|identical)(?:\x1b\[[\d;]*m)*\s+(?P<path>.*)\n")


class FoldersOnly(io.TextIOBase):
    """A stream on which a list of files is one line of folders, as they come: on a terminal, and nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self._folders: list[str] = []

    def write(self, text: str) -> int:
        """Print what is complete: Copier writes a line in parts."""
        for part in text.splitlines(keepends=True):
            self._line += part
            if self._line.endswith("\n"):
                self._print(self._line)
                self._line = ""
        return len(text)

    def _print(self, line: str) -> None:
        listed = LISTED.fullmatch(line)
        if not listed:
            self._stream.write("\n" + line if self._folders else line)
            self._folders = []
        elif self._stream.isatty():
            folder, is_inside, _ = listed["path"].partition("/")
            if is_inside and not folder.startswith(".") and folder not in self._folders:
                self._folders.append(folder)
                self._stream.write(f"  {folder}")
                self._stream.flush()


@contextmanager
def folders_only() -> Iterator[None]:
    """List the folders that Copier renders instead of the files."""
    with redirect_stderr(FoldersOnly(sys.stderr)):
        yield
