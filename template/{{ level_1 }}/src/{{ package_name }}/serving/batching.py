# Managed by copier-mlops: an update merges with your edits.
"""Requests that come while another is answered are predicted together: a call costs far more than a row."""

import asyncio
from collections import defaultdict
from itertools import chain

import numpy as np

from .inputs import Columns
from .predictors import Predictor

ROWS_TOGETHER = 100  # in a call that others wait for; it still takes milliseconds
Waiting = list[tuple[Columns, asyncio.Future[np.ndarray]]]


class Batches:
    """Collects the requests of one turn of the event loop. None waits for others to come."""

    def __init__(self) -> None:
        self._waiting: dict[Predictor, Waiting] = defaultdict(list)
        self._rows = 0

    async def predict(self, predictor: Predictor, columns: Columns) -> np.ndarray:
        """Return what the predictor says of the columns; of many rows it says it in a thread."""
        rows = _rows(columns)
        if rows > ROWS_TOGETHER:
            return await asyncio.to_thread(predictor.predict, columns)
        if self._rows + rows > ROWS_TOGETHER:
            self._predict()
        future: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._waiting[predictor].append((columns, future))
        self._rows += rows
        await asyncio.sleep(0)  # whoever came in this turn asks now
        if not future.done():
            self._predict()
        return future.result()

    def _predict(self) -> None:
        collected, self._waiting, self._rows = self._waiting, defaultdict(list), 0
        for predictor, waiting in collected.items():
            _answer(predictor, waiting)


def _answer(predictor: Predictor, waiting: Waiting) -> None:
    """Answer all together; if that fails, each alone, so that nobody pays for the input of another."""
    try:
        predictions = _together(predictor, [columns for columns, _ in waiting])
    except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
        if len(waiting) > 1:
            for one in waiting:
                _answer(predictor, [one])
        else:
            waiting[0][1].set_exception(error)
        return
    for (_, future), prediction in zip(waiting, predictions, strict=True):
        future.set_result(prediction)


def _together(predictor: Predictor, parts: list[Columns]) -> list[np.ndarray]:
    if len(parts) == 1:
        return [predictor.predict(parts[0])]
    merged = {name: [*chain.from_iterable(part[name] for part in parts)] for name in parts[0]}
    return np.split(predictor.predict(merged), np.cumsum([_rows(part) for part in parts[:-1]]))


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))
