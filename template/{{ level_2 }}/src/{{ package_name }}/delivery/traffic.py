# Managed by copier-mlops: an update merges with your edits.
"""Simulated clients, which send test rows at a constant rate."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from threading import Event, Lock, Thread

from ..core.inputs import Inputs
from ..core.io import read_table
from ..core.paths import TEST
from ..modeling.data import features_and_target
from ..monitoring.client import Client

CLIENTS = 32  # so that slow responses do not lower the rate
ROWS = 10  # of a request: their mean prediction is known within seconds


class Traffic:
    """Counts of the requests so far."""

    def __init__(self, address: str, per_second: float) -> None:
        self.requests = self.failed = 0
        self.versions: Counter[str] = Counter()  # of the responses
        self._address, self._per_second = address, per_second
        self._rows = Inputs.read().to_rows(features_and_target(read_table(TEST))[0])
        # Rows in turn would not do: Envoy sends each tenth request to the same version, which would see few of them.
        self._random = Random(0)
        self._numbers, self._open, self._next = count(), set[int](), 0.0
        self._lock, self._gate, self._stopped = Lock(), Lock(), Event()

    def flush(self) -> None:
        """Wait until all requests that have been sent so far are answered."""
        with self._lock:
            sent = {*self._open}
        while sent & self._open:
            time.sleep(0.01)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Send nothing until the end of the block, which begins when all requests are answered."""
        with self._gate:
            while self._open:
                time.sleep(0.01)
            yield

    def _send(self) -> None:
        client = Client(self._address)
        while not self._stopped.is_set():
            with self._lock:
                number, self._next = next(self._numbers), max(self._next + 1 / self._per_second, time.monotonic())
                wait = self._next - time.monotonic()
                rows = self._random.choices(self._rows, k=ROWS)
            if self._stopped.wait(wait):
                return
            with self._gate:
                self._open.add(number)
            answer = client.predict(rows)
            with self._lock:
                self._open.discard(number)
                self.requests += 1
                self.failed += answer is None
                self.versions[answer["version"] if answer else ""] += 1


@contextmanager
def traffic(address: str, per_second: float) -> Iterator[Traffic]:
    """Send requests for some test rows each, until the end of the block."""
    found = Traffic(address, per_second)
    threads = [Thread(target=found._send) for _ in range(CLIENTS if per_second else 0)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found._stopped.set()
        for thread in threads:
            thread.join()
