# Managed by copier-mlops: an update merges with your edits.
"""Calls the plug-ins: a failure in one is logged once and counted, and never changes or delays a response."""

import asyncio
import logging
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

from .plugins import Choice, Plugin, Prediction, RequestContext
from .prometheus import Metrics

log = logging.getLogger(__name__)
MAX_PENDING = 10_000  # predictions; more are dropped and counted, so that a slow observer cannot fill the memory
MAX_PENDING_BYTES = 50_000_000  # of their requests: more are dropped, too
INTERVAL_SECONDS = 1.0


class Hooks:
    """The choosers and observers among the plug-ins."""

    def __init__(self, plugins: list[Plugin], metrics: Metrics) -> None:
        self.plugins = plugins
        self.choosers = [each for each in plugins if type(each).choose is not Plugin.choose]
        self.observers = [each for each in plugins if type(each).observe is not Plugin.observe]
        self._metrics = metrics
        self._pending: deque[tuple[Prediction, int]] = deque()
        self._recorded = self._delivered = 0  # bytes of requests; each is counted by one thread only
        self._delivering = Lock()
        self._logged: set[tuple[str, str]] = set()

    def choose(self, context: RequestContext) -> Choice | None:
        """Return the alias or version that the first plug-in with an opinion chooses, if it is loaded."""
        for plugin in self.choosers:
            with self._contained(plugin, "choose"):
                chosen = plugin.choose(context)
                if chosen is not None:
                    choice = Choice(chosen) if isinstance(chosen, str) else chosen
                    if choice.version not in {*context.versions, *context.versions.values()}:
                        raise LookupError(f"{choice.version} of {context.model} is not loaded")
                    return choice
        return None

    def record(self, prediction: Prediction, size: int) -> None:
        """Queue a prediction for the observers; `size` is that of its request, in bytes."""
        if len(self._pending) < MAX_PENDING and self._recorded - self._delivered < MAX_PENDING_BYTES:
            self._pending.append((prediction, size))
            self._recorded += size
        else:
            self._metrics.dropped.inc()

    async def deliver_forever(self) -> None:
        """Deliver queued predictions until cancelled, and then the last ones."""
        try:
            while self.observers:
                await asyncio.sleep(INTERVAL_SECONDS)
                await asyncio.to_thread(self.deliver)
        finally:
            self.deliver()

    def deliver(self) -> None:
        """Pass all queued predictions to each observer."""
        with self._delivering:
            pending = [self._pending.popleft() for _ in range(len(self._pending))]
            predictions = [prediction for prediction, _ in pending]
            for plugin in self.observers if predictions else []:
                with self._contained(plugin, "observe"):
                    plugin.observe(predictions)
            self._delivered += sum(size for _, size in pending)

    @contextmanager
    def _contained(self, plugin: Plugin, hook: str) -> Generator[None]:
        name = type(plugin).__module__.rpartition(".")[2]
        try:
            yield
        except Exception:
            self._metrics.plugin_errors(name, hook).inc()
            if (name, hook) not in self._logged:
                log.exception("plug-in %s failed in %s; further failures are only counted", name, hook)
                self._logged.add((name, hook))
