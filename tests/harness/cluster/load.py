"""Clients of a service in a cluster, which send one request after another."""

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from threading import Event
from typing import Any

from harness.cluster.namespaces import Namespaces
from harness.server import Answer, in_threads

# Between two requests: a port stays taken for a minute, and there are 28,000 of them.
PAUSE_SECONDS = 0.02


@dataclass
class Clients:
    """Clients outside of pods, each request of which is on a connection of its own, as most load balancers see them."""

    inside: Namespaces
    host: str
    port: int
    answered: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def ask(self, path: str, body: Any = None) -> Answer:
        """Send a request, by POST if there is a body, and return the response."""
        return self.inside.ask(self.host, self.port, path, body)

    def asking(self, path: str, body: Any, clients: int = 4) -> AbstractContextManager[None]:
        """Send requests until the end of the block."""
        return in_threads(clients, partial(self._ask, path, body))

    def _ask(self, path: str, body: Any, done: Event) -> None:
        while not done.wait(PAUSE_SECONDS):
            try:
                self.answered[self.ask(path, body).status] += 1
            except (HTTPException, OSError) as error:
                self.lost.append(repr(error))

    def failed(self) -> list[str]:
        """Return what became of the requests that got no prediction."""
        return [*self.lost, *(f"{count} times {status}" for status, count in self.answered.items() if status != 200)]
