# Managed by copier-mlops: an update merges with your edits.
"""A Ray cluster: the one at RAY_ADDRESS, or one that is started on this machine for the block.

All nodes need this project at the same commit, and a database that they share: see SEARCH_STORAGE in docs/search.md.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...core.errors import UserError
from . import Run, WorkerLostError

ATTEMPTS = 4  # of a call whose worker was lost
PASSED_ON = ("MLFLOW_", "TRACKING_", "SEARCH_", "AWS_", "OMP_")  # variables that the workers get, too


@contextmanager
def workers(count: int) -> Iterator[Run]:
    """Yield a function that runs calls on the cluster; a call is repeated if its worker or node is lost.

    Raises:
        UserError: there is no cluster at RAY_ADDRESS.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # would copy this folder to all nodes
    import joblib
    import ray
    from ray.exceptions import WorkerCrashedError
    from ray.util.joblib import register_ray

    folder = Path.cwd()
    _connect(count)

    def run(function: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        def call(argument: Any) -> None:
            os.chdir(folder)
            function(argument)

        remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(call)
        waiting, running = [*arguments][::-1], []
        while waiting or running:
            while waiting and len(running) < count:
                running.append(remote.remote(waiting.pop()))
            done, running = ray.wait(running)
            try:
                ray.get(done)
            except WorkerCrashedError as error:
                raise WorkerLostError(f"a worker of Ray was lost {ATTEMPTS} times") from error

    register_ray()
    try:
        with joblib.parallel_config("ray", n_jobs=count):
            yield run
    finally:
        ray.shutdown()


def _connect(count: int) -> None:
    """Connect to the cluster, or start one: that fails if it takes more than 30 s, as it may at first on a busy machine."""
    import ray

    address = os.environ.get("RAY_ADDRESS")
    local: dict[str, Any] = {} if address else {"num_cpus": count, "include_dashboard": False}
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    for attempt in range(ATTEMPTS):
        try:
            ray.init(
                address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": variables}, **local
            )
            return
        except ConnectionError as error:
            raise UserError(
                f"no Ray cluster responds at RAY_ADDRESS {address}: `ray start --head` starts one"
            ) from error
        except Exception as error:  # Ray raises no other class
            ray.shutdown()
            if address or attempt == ATTEMPTS - 1:
                raise UserError(f"Ray does not start: {' '.join(str(error).split())[:200]}") from error
