# Managed by copier-mlops: an update merges with your edits.
"""A TCP proxy whose connections can be cut, as a network does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

CHUNK = 65_536  # bytes


class Proxy:
    """Forwards connections to a port of this machine until it is cut; use `proxy`."""

    def __init__(self, target: int) -> None:
        self._target, self._up = target, True
        self._open = set[asyncio.StreamWriter]()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._forward, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Close all connections, and each new one at once."""
        self._up = False
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._open])

    def restore(self) -> None:
        """Forward new connections again."""
        self._up = True

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._up:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
                self._open.add(far_writer)
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
                self._open.discard(far_writer)
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Yield a proxy in front of a port, on a free port."""
    found = Proxy(target)
    thread = Thread(target=found._loop.run_forever)
    thread.start()
    try:
        yield found
    finally:
        found.cut()
        found._loop.call_soon_threadsafe(found._loop.stop)
        thread.join()
