"""The pictures of docs/images/ show the levels of the catalogue."""

import pytest
from harness.pictures import PICTURES
from harness.site import DOCS


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn_from_the_catalogue(name, request):
    path = DOCS / "images" / name
    if request.config.getoption("--update-golden"):
        path.write_text(PICTURES[name](), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == PICTURES[name]()
