"""The built site of docs/, and what is wrong in its pages."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from harness.template import ROOT

DOCS = ROOT / "docs"
CONFIGURATION = ROOT / "zensical.toml"
SETTINGS = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))["project"]
IN_REPOSITORY = re.compile(re.escape(SETTINGS["extra"]["social"][0]["link"]) + r"/(?:blob|tree)/main/([^?#]+)")
LOADED = {"img", "script", "link", "iframe", "source", "object", "embed"}  # the browser requests what these name
NOT_REQUESTED = {"canonical", "prev", "next", "alternate"}  # links that a browser does not follow


def build(folder: Path) -> Path:
    """Build the site in a folder, strictly, and return where its pages are."""
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy2(CONFIGURATION, folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


class Page(HTMLParser):
    """The anchors and the links of a page; a link is an address, and whether the browser loads it with the page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read an element."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        loaded = tag in LOADED and not NOT_REQUESTED & set(found.get("rel", "").split())
        self.links += [(found[name], loaded) for name in ("href", "src", "data") if found.get(name)]


def broken(site: Path) -> list[str]:
    """Return the links that lead nowhere, and what a page would load from another host."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link, loaded in page.links
        if not _leads_somewhere(site, path, link, loaded, pages)
    ]


def _leads_somewhere(site: Path, path: Path, link: str, loaded: bool, pages: dict[Path, Page]) -> bool:
    address, anchor = urldefrag(link.removeprefix(SETTINGS["site_url"].rstrip("/")))
    if link.startswith(SETTINGS["site_url"]):
        target = site / address.lstrip("/")
    elif re.match(r"https?://|//", address):
        inside = IN_REPOSITORY.match(address)
        return not loaded and (inside is None or (ROOT / inside[1]).exists())
    elif re.match(r"[a-z]+:", address):
        return True
    elif address.startswith("/"):
        target = site / address.removeprefix("/" + SETTINGS["site_url"].split("/", 3)[3])
    else:
        target = path.parent / unquote(address) if address else path
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    if anchor and target in pages:
        return unquote(anchor) in pages[target].anchors
    return target.is_file() and target.is_relative_to(site)


def nav(entries: list[Any] | None = None) -> Iterator[str]:
    """Yield the pages in the navigation."""
    for entry in SETTINGS["nav"] if entries is None else entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, list):
                yield from nav(value)
            else:
                yield value
