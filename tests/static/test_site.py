"""The site of docs/: it builds, needs no network, and no link in it leads nowhere."""

import pytest
from harness.site import DOCS, broken, nav


def test_links_and_anchors_lead_somewhere_and_nothing_is_loaded_from_other_hosts(site):
    assert broken(site) == []


@pytest.mark.parametrize(
    "element",
    [
        '<a href="missing.html">',
        '<a href="page.html#missing">',
        '<a href="#missing">',
        '<a href="../outside.html">',
        '<a href="https://github.com/copier-mlops/copier-mlops/blob/main/missing.md">',
        '<a href="https://copier-mlops.github.io/copier-mlops/missing.html">',
        '<img src="missing.png">',
        '<script src="https://example.com/script.js"></script>',
        '<link rel="stylesheet" href="https://example.com/font.css">',
    ],
)
def test_fault_of_a_page_is_found(tmp_path, element):
    site = tmp_path.resolve() / "site"
    site.mkdir()
    (tmp_path / "outside.html").write_text("")
    good = '<h1 id="top"></h1><a href="#top"></a><a href="https://example.com"></a><link rel="next" href="page.html">'
    (site / "page.html").write_text(good)
    assert broken(site) == []
    (site / "page.html").write_text(good + element)
    assert len(broken(site)) == 1


def test_every_page_is_in_the_navigation_once(site):
    pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(nav()) == pages
    assert [page for page in pages if not (site / page).with_suffix(".html").exists()] == []


def test_search_finds_the_text_of_each_page(site):
    index = (site / "search.json").read_text(encoding="utf-8")
    assert [page for page in nav() if page.removesuffix(".md") + ".html" not in index] == []
