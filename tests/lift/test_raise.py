"""Raising a project that is unedited equals a fresh render."""

import pytest
from allpairspy import AllPairs
from harness.lifting import Kind, commit, difference, each_raise, each_raise_of, level_of, lift, tree
from harness.template import SHARED, levels, options_at


def pairwise_kinds(level: int) -> list[Kind]:
    """Return answers in which each two options of any two questions of a level occur together."""
    choices = options_at(level)
    return [dict(zip(choices, row, strict=True)) for row in AllPairs(list(choices.values()))]


@each_raise_of(pairwise_kinds)
def test_raised_equals_fresh(lived_in, render, low, high, kind):
    project = lived_in(low, **kind)
    asked_later = {name: answer for name, answer in kind.items() if name not in project.answers}
    assert lift(project, high, **asked_later).conflicts == []
    assert difference(tree(project), tree(render(maturity_level=high, **kind))) == ""


@each_raise
def test_odd_names_are_raised_like_any_other(lived_in, render, low, high):
    names = {"project_name": 'Étude «Ça va» "O\'Neil"', "author": "Zoë Brönte <zoe@example.com>"}
    project = lived_in(low, **names)
    assert lift(project, high).conflicts == []
    assert difference(tree(project), tree(render(maturity_level=high, **names))) == ""


def test_steps_equal_a_jump(lived_in, render):
    project = lived_in(levels()[0])
    for level in levels()[1:]:
        assert lift(project, level).conflicts == []
        commit(project, f"Level {level}")
    assert difference(tree(project), tree(render(maturity_level=levels()[-1]))) == ""


@each_raise
def test_lowered_keeps_seeds_and_raises_again_to_the_same(lived_in, render, low, high):
    project = lived_in(high)
    lift(project, low, allow_lowering=True)
    kept = tree(project).keys() - tree(render(maturity_level=low)).keys()
    assert kept, "the seeds of the higher level survive"
    assert difference({path: content for path, content in tree(project).items() if path not in kept},
                      tree(render(maturity_level=low))) == ""  # fmt: skip
    commit(project, "Lower")
    assert lift(project, high).conflicts == []
    assert difference(tree(project), tree(render(maturity_level=high))) == ""


@pytest.mark.parametrize("level", levels())
def test_update_without_a_change_does_nothing(lived_in, level):
    project = lived_in(level)
    assert lift(project).status == ""
    assert level_of(project) == level


@each_raise
def test_level_only_adds_files(render, low, high):
    lower, higher = tree(render(maturity_level=low)), tree(render(maturity_level=high))
    assert lower.keys() <= higher.keys()
    assert {path for path in lower if lower[path] != higher[path]} <= SHARED
