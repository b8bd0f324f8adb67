# Managed by copier-mlops: an update merges with your edits.
"""Processes of this machine, by joblib."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from ...core.errors import UserError
from . import Run


@contextmanager
def workers(count: int) -> Iterator[Run]:
    """Yield a function that runs calls in processes, or in this one if `count` is 1.

    Raises:
        UserError: a process was killed, most likely because the memory was full.
    """

    def run(function: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        joblib.Parallel(batch_size=1)(joblib.delayed(function)(each) for each in arguments)

    try:
        with joblib.parallel_config("loky", n_jobs=count):
            yield run
    except TerminatedWorkerError as error:
        raise UserError(
            f"one of {count} processes was killed, maybe because the memory was full: what they finished is kept, run"
            " again to go on, with fewer processes"
        ) from error
