"""A collector of OpenTelemetry: receives spans by OTLP over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler

from harness.stub import served


@dataclass
class Collector:
    """Where spans are sent, and the bodies of what has arrived."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def collector() -> Iterator[Collector]:
    """Run one on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.bodies.append(decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

    with served(Handler) as address:
        found = Collector(address)
        yield found
