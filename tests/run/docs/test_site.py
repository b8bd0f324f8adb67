"""The site of docs/ as a browser shows it, from the disk and without a network, on a desk and on a phone."""

import pytest
from harness.pages import WIDTHS, window
from harness.site import nav
from playwright.sync_api import Browser


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_page_loads_whole_and_fits_and_shows_all_columns_on_a_desk(site, browser: Browser, width):
    cut = "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).length"
    too_wide, without_image, headings, cut_tables = [], [], [], []
    with window(browser, width) as shown:
        for page in nav():
            shown.load((site / page).with_suffix(".html"))
            too_wide += [] if shown.fits() else [page]
            without_image += [] if all(shown.images_are_loaded()) else [page]
            headings.append(shown.page.locator("h1").count())
            cut_tables += [page] if shown.page.eval_on_selector_all(".md-typeset__scrollwrap", cut) else []
        assert (too_wide, without_image, set(headings)) == ([], [], {1})
        assert (shown.complaints, shown.missing, shown.external) == ([], [], [])
    assert width == WIDTHS["phone"] or cut_tables == [], "on a desk, all columns of a table are seen at once"


def test_search_works_from_the_disk_and_commands_are_read_without_scrolling(site, browser: Browser):
    with window(browser, WIDTHS["phone"]) as shown:
        shown.load(site / "index.html")
        command = shown.page.locator("pre > code").first
        assert command.evaluate("code => code.scrollWidth <= code.clientWidth")
        shown.page.keyboard.press("Control+k")
        shown.page.keyboard.type("conflict")
        shown.page.get_by_role("link", name="If a lift goes wrong").first.wait_for()
        assert shown.complaints == []
