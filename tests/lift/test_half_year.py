"""Repositories with half a year of work: in steps or in one jump, the highest level is the same, and no edit is lost."""

import pytest
from harness.half_year import TEAMS, Team, arrive
from harness.lifting import difference, tree
from harness.template import levels

LONG = [pytest.param(team, id=team.name, marks=[pytest.mark.long] * (team is not TEAMS[0])) for team in TEAMS]


@pytest.mark.parametrize("team", LONG)
def test_steps_and_jump_end_at_the_same_files(lived_in, team: Team):
    steps = arrive(team, lived_in(0, **team.answers), levels()[1:])
    jump = arrive(team, lived_in(0, **team.answers), levels()[-1:])
    assert steps.lost == jump.lost == []
    assert steps.conflicts == jump.conflicts
    assert difference(tree(steps.project), tree(jump.project)) == ""
