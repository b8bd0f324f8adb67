"""A search on a local cluster of Ray outlives a worker that is killed."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from harness.projects import bash_blocks
from harness.server import background, eventually
from harness.template import Project, clean_environment

GRID = """
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from {package}.training.engines import workers
search = GridSearchCV(LogisticRegression(), {{"C": [0.1, 1.0]}}, cv=2)
data = make_classification(100, random_state=0)
expected = search.fit(*data).best_score_
with workers("ray", 2):
    assert search.fit(*data).best_score_ == expected
print("equal")
"""


@dataclass(frozen=True)
class Cluster:
    """A head of Ray, as the docs start it, and the command for a search on it."""

    project: Project
    head: subprocess.Popen[bytes]
    search: str
    environment: dict[str, str]

    def worker(self) -> int | None:
        """Return the process id of a worker that has a call to run."""
        listed = subprocess.run(["ps", "-eo", "pid=,sess=,args="], check=True, capture_output=True, text=True).stdout
        found = re.search(rf"^ *(\d+) +{self.head.pid} ray::call", listed, re.MULTILINE)
        return int(found[1]) if found else None


@pytest.fixture
def cluster(looping: Project, extended: Callable[..., None]) -> Iterator[Cluster]:
    extended(looping, maturity_level=2, distributed_training="ray")
    *_, commands = bash_blocks(looping.text("docs/search.md"))
    start, search = commands.splitlines()
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # of sockets, whose paths have to be short
    environment = {**clean_environment(), "RAY_TMPDIR": folder}
    own = "--block --num-cpus=2 --object-store-memory=100000000 --port=0"
    with background(["bash", "-euc", f"exec {start} {own}"], cwd=looping.path, env=environment) as head:
        yield Cluster(looping, head, search, environment)
    shutil.rmtree(folder, ignore_errors=True)


def test_search_on_ray_repeats_the_trial_of_a_killed_worker(cluster: Cluster):
    project = cluster.project
    eventually("a cluster", lambda: os.path.exists(f"{cluster.environment['RAY_TMPDIR']}/ray/ray_current_cluster"))
    log, command = project.path / "search.log", ["bash", "-euc", f"{cluster.search} --trials 3 --processes 2"]
    with background(command, log, cwd=project.path, env=cluster.environment) as search:
        os.kill(eventually("a worker with a trial", cluster.worker), signal.SIGKILL)
        code, printed = search.wait(), log.read_text()
    assert code == 0, printed
    assert sum(int(number) for number in re.findall(r"(\d+) (?:complete|pruned)", printed)) == 3, printed
    assert "best: trial" in printed
    grid = GRID.format(package=project.answers["package_name"])
    done = subprocess.run(
        [project.path / ".venv/bin/python", "-c", grid],
        check=False,
        cwd=project.path,
        env={**cluster.environment, "RAY_ADDRESS": "auto"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("equal\n"), done.stderr
