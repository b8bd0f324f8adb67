"""A search on a local cluster of Ray outlives a worker that is killed."""

import os
import signal
import subprocess
from collections.abc import Callable

from harness.server import eventually
from harness.template import Project, clean_environment


def test_search_on_ray_repeats_the_trial_of_a_killed_worker(install: Callable[..., Project]):
    project = install(maturity_level=2, distributed_training="ray")
    project.stages("ingest", "split")
    command = ["-m", f"{project.answers['package_name']}.training.search", "--engine", "ray"]
    search = subprocess.Popen(
        [project.path / ".venv/bin/python", *command, "--trials", "4", "--processes", "2"],
        cwd=project.path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.kill(eventually("a worker with a trial", worker_of_ray), signal.SIGKILL)
    printed, _ = search.communicate()
    assert search.returncode == 0, printed
    assert "4 complete" in printed or "pruned" in printed
    assert "best: trial" in printed


def worker_of_ray() -> int | None:
    """Return the process id of a worker of Ray that has a call to run; Ray's daemons are no children of the search."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], check=True, capture_output=True, text=True).stdout
    return next((int(line.split()[0]) for line in listed.splitlines() if "ray::call" in line), None)
