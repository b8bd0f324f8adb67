"""What is made once in a test run and shared by all of its workers."""

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

T = TypeVar("T")


class Shared:
    """Values that are made once: by the worker that needs one first, while the others that need it wait."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Any] = {}

    def __call__(self, make: Callable[[Path], T], *key: object) -> T:
        """Return what `make` returned for `key` when it was called with an empty folder of its own."""
        name = repr(key)
        if name not in self._known:
            self._known[name] = self._made(make, self.root / hashlib.sha256(name.encode()).hexdigest()[:12])
        return self._known[name]

    def _made(self, make: Callable[[Path], T], folder: Path) -> T:
        value = folder.with_suffix(".pickle")
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not value.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed here
                folder.mkdir()
                value.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(value.read_bytes())
