# Managed by copier-mlops: an update merges with your edits.
"""A Ray cluster: the one at RAY_ADDRESS, or one that is started on this machine for the block.

All nodes need this project at the same commit, and a database that they share: see SEARCH_STORAGE in docs/search.md.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from ...core.errors import UserError
from . import Run, WorkerLostError

ATTEMPTS = 4  # of a call whose worker was lost
PASSED_ON = ("MLFLOW_", "TRACKING_", "SEARCH_", "AWS_", "OMP_")  # variables that the workers get, too


@contextmanager
def workers(count: int) -> Iterator[Run]:
    """Yield a function that runs calls on the cluster; a call is repeated if its worker or node is lost.

    Raises:
        UserError: there is no cluster at RAY_ADDRESS, or none can be started here.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # would copy this folder to all nodes
    import ray
    from ray.exceptions import WorkerCrashedError
    from ray.util.joblib import register_ray

    address, folder = os.environ.get("RAY_ADDRESS"), Path.cwd()
    own: dict[str, Any] = {} if address else {"num_cpus": count, "include_dashboard": False}
    variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": variables}, **own)
    except Exception as error:  # Ray raises no other class if it does not start within 30 s
        ray.shutdown()
        advice = "`ray start --head` starts one" if address else "try again when the machine is less busy"
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"no Ray cluster at {address or 'this machine'}: {reason}: {advice}") from error

    def run(function: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        @ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)
        def call(argument: Any) -> None:
            os.chdir(folder)
            function(argument)

        try:
            with ThreadPoolExecutor(count) as threads:  # so that no more than `count` calls run at once
                list(threads.map(lambda each: ray.get(call.remote(each)), arguments))
        except WorkerCrashedError as error:
            raise WorkerLostError(f"a worker of Ray was lost {ATTEMPTS} times") from error

    register_ray()
    try:
        with joblib.parallel_config("ray", n_jobs=count):
            yield run
    finally:
        ray.shutdown()
