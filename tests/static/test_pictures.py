"""The pictures of docs/images/ show the levels of the catalogue, what imports what, and the recording."""

import runpy

import pytest
from harness.pictures import PICTURES, REPOSITORY, package_folders
from harness.site import DOCS
from harness.structure import imports
from harness.template import ROOT, levels, repository_files


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn_from_the_catalogue(name, written):
    written(DOCS / "images" / name, PICTURES[name]())


def test_picture_of_a_package_shows_what_imports_what_at_the_highest_level(render, written):
    written(DOCS / "images/structure.svg", package_folders(imports(render(maturity_level=levels()[-1]).package)))


def test_every_folder_is_in_the_picture_of_this_repository_and_in_the_table_of_contributing():
    folders = {f"{path.parts[0]}/" for path in repository_files() if len(path.parts) > 1} - {".ci/", ".github/"}
    assert folders | {"copier.yml"} == REPOSITORY.keys()
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {folder for folder in folders if f"| `{folder}" not in text and f"`{folder}`" not in text} == set()


def test_picture_of_the_demo_is_drawn_from_its_recording(written):
    demo = runpy.run_path(str(ROOT / "maintenance/demo.py"))
    drawn = demo["picture"](demo["CAST"].read_text(encoding="utf-8"))
    written(demo["PICTURE"], drawn)
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", ""), "nothing is loaded from another host"
