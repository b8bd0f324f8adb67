"""A capability is one unit: files, tests, a docs page, and how it is verified."""

from dataclasses import replace

import pytest
from harness.capabilities import capabilities, owners, pages
from harness.template import ROOT, destination, relative, sources

each_capability = pytest.mark.parametrize("capability", capabilities(), ids=lambda each: each.name)


@pytest.mark.parametrize("source", sources(), ids=relative)
def test_file_of_the_template_belongs_to_exactly_one_capability(source):
    names = [each.name for each in owners(source)]
    assert len(names) == 1, (
        f"{destination(source)} belongs to {names or 'none'}: see `files` in extensions/catalogue.toml"
    )


@each_capability
def test_pattern_of_a_capability_matches_a_file(capability):
    for pattern in capability.files:
        matching = replace(capability, files=(pattern,))
        assert any(matching.owns(destination(source)) for source in sources()), pattern


@each_capability
def test_capability_has_tests_and_a_docs_page_of_its_level_or_below(capability):
    assert capability.tests
    for path in capability.tests:
        assert (ROOT / path).exists(), path
    assert pages().get(capability.docs, 9) <= capability.level, capability.docs


@each_capability
def test_capability_has_how_it_is_verified(capability):
    assert capability.run or capability.checked


def table() -> str:
    """Return what is verified of each capability."""
    lines = ["| level | capability | run here | checked only | not here |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {each.level} | {each.name} | {each.run} | {each.checked} | {each.not_here} |" for each in capabilities()
    ]
    return "\n".join(lines) + "\n"


def test_verified_lists_the_capabilities_of_the_catalogue(written):
    written(ROOT / "docs/reference/verified.md", table(), block="capabilities")
