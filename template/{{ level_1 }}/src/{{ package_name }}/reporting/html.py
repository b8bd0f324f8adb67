# Managed by copier-mlops: an update merges with your edits.
"""What the pages in `reports/` share: templates, number format, Markdown, figures."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from ..core.io import write_text
from ..core.paths import FIGURES, REPORTS

FRONT_MATTER = "---\n"
FEW_ROWS = 30  # below this, metrics of a group are marked: chance alone can explain a difference


def environment() -> Environment:
    """Return the Jinja environment of the page templates; only HTML templates escape values."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["number"] = format_number
    found.filters["code"] = code
    found.filters["measured"] = measured
    return found


def write_page(path: Path, template: str = "", **values: Any) -> None:
    """Write the page that a template makes of values; without a name, it has that of the page."""
    write_text(environment().get_template(template or f"{path.name}.j2").render(values), path)


def format_number(value: Any) -> str:
    """Return a float with four significant digits, and any other value as text."""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def measured(slices: Iterable[Mapping[str, Any]], metrics: Iterable[str]) -> list[str]:
    """Return those of the metrics that any group of rows has, in their order: some are undefined for some groups."""
    found = {name for each in slices for name in each["metrics"]}
    return [name for name in metrics if name in found]


def code(value: Any) -> str:
    """Return a value from the data as code in Markdown, also in a table: no part of it is a link, an image or HTML."""
    text = " ".join(str(value).split()).replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text or ' '}`"


def render_markdown(text: str) -> Markup:
    """Return a Markdown text without its front matter as HTML; HTML in the text is escaped."""
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(without_front_matter(text)))


def without_front_matter(text: str) -> str:
    """Return a Markdown text without its front matter."""
    return text.split(FRONT_MATTER, 2)[2] if text.startswith(FRONT_MATTER) else text


def figures() -> dict[str, str]:
    """Return the path of each figure, relative to `reports/`, by title."""
    paths = sorted(FIGURES.glob("*.png"))
    return {path.stem.replace("_", " ").capitalize(): path.relative_to(REPORTS).as_posix() for path in paths}
