"""A server of each version of a model, and clients: real requests, and the metrics of level 1's server.

The servers are simulated: they respond with the prediction, delay or error that a test sets.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Lock, Thread

from harness.cluster.envoy import PORT
from harness.cluster.namespaces import NODE, Namespaces
from harness.server import answer, in_threads

SECONDS = [0.01, 0.1, 0.25, 0.5, 1.0]  # some of the buckets of level 1's server


@dataclass
class Fault:
    """What is wrong with a version."""

    errors: float = 0  # the share of responses
    slow: float = 0  # the share of responses that take longer than a second
    shift: float = 0  # of the prediction


@dataclass
class Server:
    """The server of a version."""

    name: str
    version: str
    fault: Fault = field(default_factory=Fault)
    counts_errors_from_the_start: bool = True
    port: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    seconds: Counter[float] = field(default_factory=Counter)
    values: float = 0
    lock: Lock = field(default_factory=Lock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        if self.counts_errors_from_the_start:
            self.codes[500] = 0

    def answer(self) -> tuple[int, dict[str, object]]:
        """Return status and content of a response, and count it."""
        number = next(self.numbers)
        started = time.monotonic()
        if due(number, self.fault.slow):
            time.sleep(1)
        code, value = (500 if due(number, self.fault.errors) else 200), 0.3 + self.fault.shift
        took = time.monotonic() - started
        with self.lock:
            self.codes[code] += 1
            for le in SECONDS:
                self.seconds[le] += took <= le
            self.values += value
        return code, {"version": self.version, "value": value}

    def metrics(self) -> str:
        """Return the metrics as Prometheus reads them."""
        with self.lock:
            return "".join(f'{name}{{model="churn"{more}}} {value}\n' for name, more, value in self._samples())

    def _samples(self) -> Iterator[tuple[str, str, float]]:
        total = sum(self.codes.values())
        for code, times in self.codes.items():
            yield "inference_requests_total", f',code="{code}"', times
        for le in SECONDS:
            yield "inference_request_duration_seconds_bucket", f',le="{le}"', self.seconds[le]
        yield "inference_request_duration_seconds_bucket", ',le="+Inf"', total
        yield "prediction_value_sum", "", self.values
        yield "prediction_value_count", "", total

    def start(self, inside: Namespaces) -> None:
        """Serve inside, until the process ends."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and content in one packet, or the client's delayed acknowledgment adds 40 ms

            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self.send(200, server.metrics().encode())
                else:
                    code, content = server.answer()
                    self.send(code, json.dumps(content).encode())

            def send(self, code: int, content: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        own = inside.listen(NODE)
        listening = ThreadingHTTPServer((NODE, 0), Handler, bind_and_activate=False)
        listening.socket.close()
        listening.socket = own
        listening.daemon_threads = True
        self.port = own.getsockname()[1]
        Thread(target=listening.serve_forever, daemon=True).start()


def due(number: int, share: float) -> bool:
    """Return whether a request is one of an evenly spread share."""
    return int(number * share) > int((number - 1) * share)


@dataclass
class Clients:
    """Clients of a name, by Envoy, each with a connection that it keeps."""

    inside: Namespaces
    name: str
    each_second: float
    weight: int = 0  # of the newest version, as it is in force
    answered: Counter[tuple[int, str, int]] = field(default_factory=Counter)  # by weight, version and status
    lost: list[str] = field(default_factory=list)

    def asking(self, clients: int = 2) -> AbstractContextManager[None]:
        """Send requests at a rate until the end of the block."""
        if not self.each_second:
            return nullcontext()
        return in_threads(clients, partial(self._ask, clients / self.each_second))

    def _ask(self, pause: float, done: Event) -> None:
        with ExitStack() as connections:
            connection = None
            while not done.wait(pause):
                weight = self.weight
                try:
                    if connection is None:
                        connection = connections.enter_context(closing(self.inside.connect(NODE, PORT)))
                    found = answer(connection, f"/{self.name}/predict")
                    version = found.json["version"] if found.text.startswith("{") else ""
                    self.answered[weight, version, found.status] += 1
                except (HTTPException, OSError) as error:
                    self.lost.append(repr(error))
                    connections.close()
                    connection = None

    def share(self, version: str, weight: int) -> tuple[int, int]:
        """Return how many requests a version answered at a weight, and how many there were."""
        found = {key: times for key, times in self.answered.items() if key[0] == weight}
        return sum(times for key, times in found.items() if key[1] == version), sum(found.values())

    def failed(self, *weights: int) -> int:
        """Return how many requests failed, at some weights or at all."""
        wrong = {key: times for key, times in self.answered.items() if key[2] != 200}
        return len(self.lost) + sum(times for key, times in wrong.items() if not weights or key[0] in weights)
