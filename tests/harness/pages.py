"""A page in a browser that reaches nothing but files, and what goes wrong while it loads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

WIDTHS = {"desk": 1280, "phone": 390}
WEB = re.compile("^https?:")
# The widest of these is the width of the page: where it is more than that of the window, the page scrolls sideways.
SCROLLED = "Math.max(document.body.scrollWidth, document.documentElement.scrollWidth)"


@dataclass
class Shown:
    """A page, and what went wrong while it loaded."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)

    def note_complaint(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def note_failure(self, request: Request) -> None:
        if WEB.match(request.url):
            self.external.append(request.url)
        elif request.failure != "net::ERR_ABORTED":  # by the next page; of no file it is ERR_FILE_NOT_FOUND
            self.missing.append(request.url)

    def load(self, path: Path) -> None:
        """Load a file."""
        self.page.goto(path.as_uri(), wait_until="load")

    def fits(self) -> bool:
        """Return whether the page is as wide as the window."""
        return self.page.evaluate(f"{SCROLLED} <= document.documentElement.clientWidth")

    def images_are_loaded(self) -> list[bool]:
        """Return for each image whether there is something to see."""
        return self.page.eval_on_selector_all("img", "images => images.map(i => i.complete && i.naturalWidth > 0)")


@contextmanager
def window(browser: Browser, width: int) -> Iterator[Shown]:
    """Open a window of a width."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    shown = Shown(context.new_page())
    shown.page.route(WEB, lambda route: route.abort())
    shown.page.on("console", shown.note_complaint)
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.page.on("requestfailed", shown.note_failure)
    try:
        yield shown
    finally:
        context.close()
