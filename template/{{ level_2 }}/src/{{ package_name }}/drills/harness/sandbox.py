# Managed by copier-mlops: an update merges with your edits.
"""A copy of the project with a registry, audit log, prediction log and Git repository of its own, so that a drill harms nothing."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ...core.environment import environment
from ...core.io import require
from ...core.lineage import PACKAGE, git
from ...core.paths import METRICS, MODEL, RAW, REPORTS, TEST, TRAIN
from ...core.programs import is_ready
from ...registry import DEFAULTS
from .. import NotRecoveredError

# Variables with the address of a store or of a person outside the copy.
OUTSIDE = re.compile("(MLFLOW|AUDIT|NOTIFY|GITHUB|GOVERNANCE|TRACKING|SERVING|SIGNING|REMEDIATION|AWS|GOOGLE|AZURE)_")
LEFT_OUT = {
    *(Path("data", name) for name in ("predictions", "labels", "triggers", "search.db", "remediation")),
    *(REPORTS / name for name in ("retrain.json", "monitoring.json", "labels.json", "drills")),
}
POLICY = {  # no person takes part in a drill, and it logs nothing outside the copy
    "GOVERNANCE_APPROVAL": "claimed",
    "GOVERNANCE_FOUR_EYES": "false",
    "ARTIFACT_REQUIRED": "false",
    "SIGNING_REQUIRED": "true",
    "SIGNING_METHOD": "key",
    "SIGNING_PRIVATE_KEY": ".signing/drill.pem",  # of the copy: the project's own is not copied
    "SIGNING_PUBLIC_KEYS": "keys",
    "COMPLIANCE_REQUIRED": "false",
    "PREDICTION_LOG_PLACE": "data/predictions",
    "SEARCH_STORAGE": "sqlite:///data/search.db",
}
Found = TypeVar("Found")
_open: list["Sandbox"] = []


class Sandbox:
    """The copy; commands run in it by the Python and the code of this project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not OUTSIDE.match(name)}
        self.environment = {**kept, **DEFAULTS, "GIT_CONFIG_GLOBAL": os.devnull, **POLICY}

    def start(self, module: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start `python -m PACKAGE.module` in the copy, in a process group of its own; it prints to `drill.log` there."""
        command = [sys.executable, "-m", f"{PACKAGE}.{module}".rstrip("."), *arguments]
        environment = {**self.environment, **variables}
        with (self.folder / "drill.log").open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
            )

    @contextmanager
    def serving(self, module: str, port: int, **variables: str) -> Iterator[None]:
        """Run a service that has `/metrics` until the end of the block."""
        process = self.start(module, "--port", str(port), **variables)
        try:
            wait(lambda: is_ready(f"http://127.0.0.1:{port}/metrics"), f"{module} starts")
            yield
        finally:
            process.kill()
            process.wait()

    def attempt(self, module: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `python -m PACKAGE.module` in the copy, and return its exit code and what it printed."""
        before = len(self.log())
        code = self.start(module, *arguments, **variables).wait()
        return code, self.log()[before:]

    def run(self, module: str, *arguments: str, **variables: str) -> str:
        """Run `python -m PACKAGE.module` in the copy, and return what it printed.

        Raises:
            NotRecoveredError: it failed; with the end of its output.
        """
        code, printed = self.attempt(module, *arguments, **variables)
        if code:
            raise NotRecoveredError(f"{' '.join([module, *arguments])} failed: {printed[-1_000:]}")
        return printed

    def log(self) -> str:
        """Return what the processes of the copy have printed."""
        path = self.folder / "drill.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def git(self, *arguments: str) -> None:
        """Run a Git command in the copy."""
        subprocess.run(["git", *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        """Commit all files of the copy."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Yield a copy of the project, whose model is registered and the champion there; it is the current folder meanwhile.

    Within another sandbox it is the same copy: `poe drill` runs several drills in one.

    Raises:
        UserError: the project has no trained model yet.
    """
    if _open:
        yield _open[-1]
        return
    for path in (RAW, TRAIN, TEST, MODEL, METRICS):
        require(path)
    with TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as temporary:
        copy = Sandbox(Path(temporary))
        _copy_to(copy.folder)
        with chdir(copy.folder), environment(**copy.environment):
            for name in os.environ.keys() - copy.environment.keys():
                del os.environ[name]
            copy.git("init", "--quiet", "--initial-branch", "main")
            copy.git("config", "user.name", "Drill")
            copy.git("config", "user.email", "drill@example.com")
            copy.commit("Copy for a drill")
            copy.run("", "register")
            approved = ["promote", "--version", "1", "--approved-by", "drill"]
            copy.run("registry.promotion", *approved, GOVERNANCE_COMMITTED="false")
            _open.append(copy)
            try:
                yield copy
            finally:
                _open.pop()


@contextmanager
def quiet() -> Iterator[None]:
    """Send what this process and its children print to `drill.log`."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with Path("drill.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, saved in enumerate(kept, 1):
                os.dup2(saved, number)
                os.close(saved)


def wait(condition: Callable[[], Found | None], what: str, seconds: float = 180) -> Found:
    """Return what a condition returns once that is not empty.

    Raises:
        NotRecoveredError: it stayed empty; names `what` was waited for.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.1)
    raise NotRecoveredError(f"{what}: did not happen within {seconds:g} s")


def _copy_to(folder: Path) -> None:
    """Copy the project without its stores and without what the loop has recorded so far."""
    tracked = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    made = (path for place in ("data", "models", "reports") for path in Path(place).rglob("*"))
    for path in {*map(Path, filter(None, tracked)), *made}:
        if path.is_file() and not {path, *path.parents} & LEFT_OUT:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path)
