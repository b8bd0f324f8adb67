# Managed by copier-mlops: an update merges with your edits.
"""Where trials run: each module here has a context manager `workers(count)`, which yields a function `run`.

`run(function, arguments)` calls the function once for each argument, `count` at a time, and returns when all calls have; it
raises a `WorkerLostError` if a process was lost. A joblib search of scikit-learn, such as `GridSearchCV`, that is fitted in
the block runs there, too.
"""

import pkgutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from ...core.errors import UserError

Run = Callable[[Callable[[Any], None], Iterable[Any]], None]


class WorkerLostError(Exception):
    """A process or machine was lost with the calls that ran there; `run` can be called again."""


def workers(engine: str, count: int) -> AbstractContextManager[Run]:
    """Return the context manager of an engine.

    Raises:
        UserError: there is no such engine.
    """
    engines = sorted(found.name for found in pkgutil.iter_modules(__path__))
    if engine not in engines:
        raise UserError(f"config/search.yaml: engine: there is no {engine}; there are {', '.join(engines)}")
    return import_module(f".{engine}", __name__).workers(count)
