# Managed by copier-mlops: an update merges with your edits.
"""What a connection may use until its request is complete: uvicorn limits neither headers, nor time, nor pipelining."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_SECONDS = 60.0  # from the start of a connection or request until the request is complete
MAX_HEAD_BYTES = 64_000  # of request line, headers and trailers
MAX_HEADERS = 200
MAX_PIPELINED = 100  # requests that wait for the responses to those before them
FRAMING_BYTES = 16  # of each part of a body


class Connection(HttpToolsProtocol):
    """Closes a connection that exceeds a limit; in a callback of the parser, an error does that."""

    _timer: TimerHandle  # one for each connection: one for each request costs 2 % of its time
    _began: float | None = None  # the time at which the request began that is not complete
    _head = 0  # bytes of a request that do not belong to its body
    _running: RequestResponseCycle | None = None

    # pyrefly: ignore[bad-override]
    def connection_made(self, transport: Transport) -> None:
        """Wait for a request."""
        super().connection_made(transport)
        self._began = self.loop.time()
        self._close_if_late()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, and reject a request whose head is too long."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Start the time and the size of a request."""
        self._head = 0
        self._began = self._began or self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header or a trailer."""
        if len(self.headers) == MAX_HEADERS:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start a request, or queue it."""
        if len(self.pipeline) == MAX_PIPELINED:
            raise ValueError("too many requests wait")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Add to the body, which has a limit of its own."""
        self._head = max(0, self._head - len(body) - FRAMING_BYTES)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: the request is complete."""
        self._began = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Reject a request and close the connection, so that no response to an earlier one is written into it."""
        if self._running:
            self._running.disconnected = True
        super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _close_if_late(self) -> None:
        left = MAX_SECONDS if self._began is None else self._began + MAX_SECONDS - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(left, self._close_if_late)
