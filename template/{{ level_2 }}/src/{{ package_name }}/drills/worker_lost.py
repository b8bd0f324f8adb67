# Managed by copier-mlops: an update merges with your edits.
"""A process of a running search is killed: its trial is repeated, and the search ends with all trials."""

import sqlite3
import subprocess
import time
from contextlib import closing, suppress

import psutil

from ..core.errors import UserError
from . import Evidence
from .harness.sandbox import Sandbox, sandbox, wait

TRIALS = 4


def main() -> Evidence:
    """Kill one of two processes once both work."""
    with sandbox() as copy:
        search = copy.start("training.search", "--trials", str(TRIALS), "--processes", "2")
        try:
            victim = wait(lambda: _busy(search, copy), "two processes work on trials")
            victim.kill()
            fault = time.monotonic()
            wait(lambda: "its trial is repeated" in copy.log() or search.poll() is not None, "the loss is noticed")
            detected = time.monotonic() - fault
            code = wait(lambda: None if search.poll() is None else str(search.returncode), "the search ends", 120)
            recovered = time.monotonic() - fault
        finally:
            search.kill()
        states = _states(copy)
    whole = code == "0" and states.get("RUNNING", 0) == 0
    return Evidence(
        fault="kill -9 of one of two processes of a search",
        detected_after_seconds=detected,
        decision="the trial that ran there has no heartbeat: it is repeated",
        action=f"a new process ran what was missing: {', '.join(f'{n} {name.lower()}' for name, n in states.items())}",
        recovered_after_seconds=recovered if whole else None,
        recovered=whole,
    )


def _busy(search: subprocess.Popen[str], copy: Sandbox) -> psutil.Process | None:
    """Return a worker of the search, once two of them have used some CPU time."""
    if search.poll() is not None:
        raise UserError(f"the search ended before two processes worked: {copy.log()[-500:]}")
    with suppress(psutil.NoSuchProcess):
        found = [each for each in psutil.Process(search.pid).children(recursive=True) if _is_worker(each)]
        if len(found) == 2:
            return found[0]
    return None


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "popen_loky_posix" in " ".join(process.cmdline()) and process.cpu_times().user > 3
    return False


def _states(copy: Sandbox) -> dict[str, int]:
    """Return the number of trials by state, from the database of the copy."""
    with closing(sqlite3.connect(copy.folder / "data/search.db")) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM trials GROUP BY state"))
