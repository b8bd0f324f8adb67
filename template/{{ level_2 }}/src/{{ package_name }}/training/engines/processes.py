# Managed by copier-mlops: an update merges with your edits.
"""Processes of this machine, by joblib."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from . import Run, WorkerLostError


@contextmanager
def workers(count: int) -> Iterator[Run]:
    """Yield a function that runs calls in processes, or in this one if `count` is 1."""

    def run(function: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        try:
            joblib.Parallel(batch_size=1)(joblib.delayed(function)(each) for each in arguments)
        except TerminatedWorkerError as error:
            raise WorkerLostError("a process was killed, maybe because the memory was full") from error

    with joblib.parallel_config("loky", n_jobs=count):
        yield run
