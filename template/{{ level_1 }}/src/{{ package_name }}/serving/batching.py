# Managed by copier-mlops: an update merges with your edits.
"""Micro-batching: concurrent requests share one model call, because a call costs far more than a row."""

import asyncio
from collections import defaultdict
from collections.abc import Sized
from itertools import chain

import numpy as np

from .predictors import Predictor
from .schema import Columns

MAX_BATCH_ROWS = 100  # larger requests run in a thread, off the event loop
Pending = list[tuple[Columns, asyncio.Future[np.ndarray]]]


class MicroBatcher:
    """Batches requests received in the same event-loop iteration; adds no delay."""

    def __init__(self) -> None:
        self.received: Sized = ()  # requests without a response yet, if the server counts them
        self._pending: dict[Predictor, Pending] = defaultdict(list)
        self._rows = 0

    async def predict(self, predictor: Predictor, columns: Columns) -> np.ndarray:
        """Return the predictions for the columns of one request."""
        rows = _count_rows(columns)
        if rows > MAX_BATCH_ROWS:
            return await asyncio.to_thread(predictor.predict, columns)
        if len(self.received) == 1:  # no other request can join
            return predictor.predict(columns)
        if self._rows + rows > MAX_BATCH_ROWS:
            self._flush()
        future: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._pending[predictor].append((columns, future))
        self._rows += rows
        await asyncio.sleep(0)  # yield once, so that requests already received can join the batch
        if not future.done():
            self._flush()
        return future.result()

    def _flush(self) -> None:
        batches, self._pending, self._rows = self._pending, defaultdict(list), 0
        for predictor, batch in batches.items():
            _predict_batch(predictor, batch)


def _predict_batch(predictor: Predictor, batch: Pending) -> None:
    """Predict a batch; on failure retry each request alone: one bad request must not fail the others."""
    try:
        predictions = _predict_merged(predictor, [columns for columns, _ in batch])
    except Exception as error:  # noqa: BLE001 - any failure goes to the caller's future
        if len(batch) > 1:
            for request in batch:
                _predict_batch(predictor, [request])
        else:
            batch[0][1].set_exception(error)
        return
    for (_, future), prediction in zip(batch, predictions, strict=True):
        future.set_result(prediction)


def _predict_merged(predictor: Predictor, parts: list[Columns]) -> list[np.ndarray]:
    if len(parts) == 1:
        return [predictor.predict(parts[0])]
    merged = {name: [*chain.from_iterable(part[name] for part in parts)] for name in parts[0]}
    return np.split(predictor.predict(merged), np.cumsum([_count_rows(part) for part in parts[:-1]]))


def _count_rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))
