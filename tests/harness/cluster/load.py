"""Clients of a service in a cluster, which send one request after another."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Event, Thread
from typing import Any

from harness.cluster.namespaces import Namespaces
from harness.server import Answer


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
        content = None if body is None else json.dumps(body).encode()
        with closing(self.inside.connect(self.host, self.port)) as connection:
            connection.request("GET" if body is None else "POST", path, content)
            with connection.getresponse() as response:
                return Answer(response.status, response.read().decode())

    @contextmanager
    def asking(self, path: str, body: Any, clients: int = 4) -> Iterator[None]:
        """Send requests until the end of the block."""
        done = Event()
        threads = [Thread(target=self._ask, args=[done, path, body]) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _ask(self, done: Event, path: str, body: Any) -> None:
        while not done.is_set():
            try:
                self.answered[self.ask(path, body).status] += 1
            except (HTTPException, OSError) as error:
                self.lost.append(repr(error))

    def failed(self) -> list[str]:
        """Return what became of the requests that got no prediction."""
        return [*self.lost, *(f"{count} times {status}" for status, count in self.answered.items() if status != 200)]
