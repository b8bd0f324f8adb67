"""The pages of docs/reference/ that list questions, levels, tasks and probes are written from the sources."""

import pytest
from harness.reference import TABLES
from harness.site import DOCS


@pytest.mark.parametrize("name", TABLES)
def test_page_has_the_table_of_its_sources(render, name, written):
    written(DOCS / "reference" / f"{name}.md", f"\n{TABLES[name](render)}\n", block=name)
