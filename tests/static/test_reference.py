"""The pages of docs/reference/ that list questions, levels, tasks and probes are written from the sources."""

import re

import pytest
from harness.reference import TABLES
from harness.site import DOCS

BLOCK = re.compile(r"(<!-- (\w+): written from .*?-->\n)(.*?)(<!-- end of \2 -->)", re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_page_has_the_table_of_its_sources(render, name, request):
    page = DOCS / "reference" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    found = BLOCK.search(text)
    assert found
    assert found[2] == name
    table = "\n" + TABLES[name](render) + "\n"
    if request.config.getoption("--update-golden"):
        page.write_text(text[: found.start(3)] + table + text[found.end(3) :], encoding="utf-8")
    else:
        assert found[3] == table
