# Managed by copier-mlops: an update merges with your edits.
"""What the pages in `reports/` share."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from . import files

VALIDATION = files.REPORTS / "validation.html"
FRONT_MATTER = "---\n"


def environment() -> Environment:
    """Return the environment of the page templates; only those for HTML escape what they show."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["number"] = number
    return found


def number(value: Any) -> str:
    """Return a measured number with four significant digits, and anything else as it is."""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def html(markdown: str) -> Markup:
    """Return a Markdown text, less its front matter, as HTML; HTML in the text is shown, not obeyed."""
    text = without_front_matter(markdown)
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def without_front_matter(markdown: str) -> str:
    """Return a Markdown text from its first line that is for people."""
    return markdown.split(FRONT_MATTER, 2)[2] if markdown.startswith(FRONT_MATTER) else markdown


def figures() -> dict[str, str]:
    """Return path, relative to `reports/`, by title of each figure."""
    paths = sorted(files.FIGURES.glob("*.png"))
    return {path.stem.replace("_", " ").capitalize(): path.relative_to(files.REPORTS).as_posix() for path in paths}
