"""The pictures of docs/images/ show the levels of the catalogue, and the recording."""

import runpy

import pytest
from harness.pictures import PICTURES
from harness.site import DOCS
from harness.template import ROOT


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn_from_the_catalogue(name, request):
    path = DOCS / "images" / name
    if request.config.getoption("--update-golden"):
        path.write_text(PICTURES[name](), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == PICTURES[name]()


def test_picture_of_the_demo_is_drawn_from_its_recording(request):
    demo = runpy.run_path(str(ROOT / "maintenance/demo.py"))
    drawn = demo["picture"](demo["CAST"].read_text(encoding="utf-8"))
    if request.config.getoption("--update-golden"):
        demo["PICTURE"].write_text(drawn, encoding="utf-8")
    assert demo["PICTURE"].read_text(encoding="utf-8") == drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", ""), "nothing is loaded from another host"
