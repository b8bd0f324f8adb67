"""The pages that a run leaves behind, as a browser shows them on a desk and on a phone."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlparse

import pytest
import yaml
from harness.pages import WIDTHS, Shown, window
from harness.template import Project
from playwright.sync_api import Browser, Page

OURS = ["index.html", "model_card.html", "validation.html"]
WITHOUT_FIGURES = {"validation.html"}
LINK = re.compile(r"<a\s[^>]*>")
OUTSIDE = re.compile(r"""(?:https?:|(?<=[\s"'(]))//[^\s"'()<>]+""")


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[[Path, int], Shown]]:
    """Load a file at a width."""
    with ExitStack() as windows:

        def show(path: Path, width: int) -> Shown:
            shown = windows.enter_context(window(browser, width))
            shown.load(path)
            return shown

        yield show


def broken_links(page: Page) -> list[str]:
    """Return the links on a page to files or headings that there are not."""
    broken = []
    for target in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
        address, fragment = urldefrag(target)
        if not address.startswith("file:"):
            continue
        is_here = address == urldefrag(page.url)[0]
        if not Path(unquote(urlparse(address).path)).is_file() or (
            is_here and fragment and page.locator(f'[id="{fragment}"]').count() == 0
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", OURS)
def test_page_loads_whole_and_fits(ran, show, name, width):
    shown = show(ran.project.path / "reports" / name, width)
    assert (shown.complaints, shown.missing, shown.external) == ([], [], [])
    assert shown.fits()
    loaded = shown.images_are_loaded()
    assert len(loaded) >= (0 if name in WITHOUT_FIGURES else 4)
    assert all(loaded)
    assert broken_links(shown.page) == []


@pytest.mark.parametrize("name", OURS)
def test_page_has_all_that_it_shows_in_it_or_beside_it(ran, name):
    """On a closed network it looks the same. Only links lead out."""
    page = ran.project.text(f"reports/{name}")
    assert "<style>" in page
    assert OUTSIDE.findall(LINK.sub("", page)) == []


def test_check_finds_what_a_page_would_fetch():
    page = '<a href="https://a.org">x</a><script src="https://cdn.org/x.js"></script><style>@import url(//cdn.org/y.css)</style>'
    assert OUTSIDE.findall(LINK.sub("", page)) == ["https://cdn.org/x.js", "//cdn.org/y.css"]


@pytest.mark.parametrize("name", OURS)
def test_page_is_named_and_every_image_has_a_text(ran, show, name):
    page = show(ran.project.path / "reports" / name, WIDTHS["desk"]).page
    assert page.title().startswith(
        ran.project.answers["project_slug"] if name != "validation.html" else "Data validation"
    )
    assert page.locator("h1").count() == 1
    assert page.locator("html[lang]").count() == 1
    assert page.locator("img:not([alt]), img[alt='']").count() == 0


def test_report_shows_every_metric_and_leads_to_card_and_validation(ran, show):
    page = show(ran.project.path / "reports/index.html", WIDTHS["desk"]).page
    shown = page.eval_on_selector_all(".tile span", "tiles => tiles.map(tile => tile.textContent)")
    assert shown == [name.replace("_", " ") for name in ran.project.json("reports/metrics.json")]
    page.get_by_role("link", name="Model card").click()
    assert page.url.endswith("model_card.html")
    page.get_by_role("link", name="Report").click()
    page.get_by_role("link", name="Validation").click()
    assert page.url.endswith("validation.html")


def test_validation_page_has_the_status_of_each_expectation(ran, show):
    page = show(ran.project.path / "reports/validation.html", WIDTHS["desk"]).page
    assert page.locator("tbody tr").count() == len(suite(ran.project))
    assert set(page.locator("tbody td:first-child").all_inner_texts()) == {"passed"}
    columns = {arguments["column"] for arguments in suite(ran.project) if "column" in arguments}
    assert columns <= set(page.locator("tbody td:nth-child(2)").all_inner_texts())


def suite(project: Project) -> list[dict[str, Any]]:
    """Return the arguments of the project's expectations."""
    return [
        arguments for entry in yaml.safe_load(project.text("expectations/raw.yaml")) for arguments in entry.values()
    ]
