"""A fleet of repositories with a team each, updated from many versions of the template to the newest one."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import pytest
import yaml
from harness.fleet import TEAMS, Arrival, Journey, described, table, travel
from harness.lifting import NOW, read_releases, releases, renders, repository
from harness.shared import Shared
from harness.template import ROOT, Project, git, levels

LISTED = (ROOT / "tests" / "releases.toml").read_text(encoding="utf-8")
RELEASES = releases(LISTED, git("tag", "--list", "v*", folder=ROOT).split())
# Versions from before the first release: the first one with two levels, then one of each day; the last has all levels.
EARLIER = {
    "2026-11-23": "c9dadf6bc3f495ee4f9568aa974377f1a2412796",
    "2026-11-24": "35abc7576fe0db7e100c102ccca32b6ec7ba96e5",
    "2026-11-26": "eca4ada6d92673297a171a21f75b861df3c27090",
    "2026-11-27": "64400c8d0a584fd46c6df684da20e410d5e1aff3",
    "2026-11-28": "4683e88bda7a6388051c1c98f0edee76f18a762a",
}
THIS = "this version"  # from it to one in which each file has changed
PAGE = ROOT / "docs" / "reference" / "fleet.md"
INTRODUCTION = """\
# Updates of a fleet

`uv run pytest tests/lift/test_fleet.py -m long --write-fleet` wrote this page. {teams} teams work in a new repository, each
in its own way, and then update it from {versions} versions of the template to the newest one, at the same level and to each
higher one. *{this}* is updated to one in which each file has a new line after each fifth.

An edit is *lost* if its text is nowhere in the repository after the update, or if a file that the team deleted is back. A
*conflict* shows both sides in the file, and `poe level` fails until it is resolved.

"""


def commit_of(version: str) -> str:
    """Return the commit or tag of a version."""
    return NOW if version == THIS else {**EARLIER, **read_releases(LISTED)}.get(version, version)


def is_here(commit: str) -> bool:
    """Return whether this clone has a commit."""
    return commit in git("log", "--all", "--format=%H", folder=ROOT).split()


VERSIONS = [*(version for version, commit in EARLIER.items() if is_here(commit)), *RELEASES, THIS]


def journeys(team: str) -> list[Journey]:
    """Return all updates of a team's repository."""
    return [
        Journey(team, version, low, high)
        for version in VERSIONS
        for low in levels_of(version)
        for high in levels()
        if high >= low
    ]


@cache
def levels_of(version: str) -> list[int]:
    """Return the levels that there are in a version."""
    if version == THIS:
        return levels()
    settings = yaml.safe_load(git("show", f"{commit_of(version)}:copier.yml", folder=ROOT))
    return sorted(settings["maturity_level"]["choices"].values())


@pytest.fixture
def arrivals(
    template: Path, versions: Path, shared: Shared, tmp_path: Path
) -> Callable[[list[Journey], int], list[Arrival]]:
    """Make the repositories, let the teams work, update, and return what is left of the work."""

    def rendered(version: str, level: int) -> Project:
        return renders(versions if version == THIS else template, shared)(commit_of(version), maturity_level=level)

    def arrivals(planned: list[Journey], processes: int) -> list[Arrival]:
        projects = {
            (version, level): rendered(version, level)
            for version, level in {(journey.version, journey.low): None for journey in planned}
        }
        arrive = partial(arrival, projects, tmp_path)
        if processes == 1:
            return [arrive(journey) for journey in planned]
        with ProcessPoolExecutor(processes, get_context("fork")) as pool:  # with what the fixtures have set
            return list(pool.map(arrive, planned))

    return arrivals


def arrival(projects: dict[tuple[str, int], Project], folder: Path, journey: Journey) -> Arrival:
    """Return what an update leaves of the work of a team."""
    made = folder / f"{journey.team}-{journey.version}-{journey.low}-{journey.high}"
    try:
        return travel(journey, repository(projects[journey.version, journey.low], made))
    finally:
        shutil.rmtree(made, ignore_errors=True)


def tables(found: list[Arrival]) -> str:
    """Return what came of the updates by version, by levels and by team."""
    return "\n".join(
        (
            table("from version", found, lambda each: each.journey.version),
            table("from level to level", found, lambda each: f"{each.journey.low} to {each.journey.high}"),
            table("the team", found, lambda each: described(each.journey.team)),
        )
    )


def complaints(found: list[Arrival]) -> list[str]:
    """Return a line for each update that was refused, or after which something is lost."""
    return [
        f"{each.journey}: {each.refused or [*each.lost, *each.returned]}"
        for each in found
        if each.refused or each.lost or each.returned
    ]


def sample() -> list[Journey]:
    """Return one update of each team, from each version and between each two levels about as often."""
    used: Counter[object] = Counter()
    planned = []
    for team in TEAMS:
        one = min(journeys(team.__name__), key=lambda each: used[each.version] + used[each.low, each.high])
        used.update([one.version, (one.low, one.high)])
        planned.append(one)
    return planned


def test_fleet(arrivals, capsys):
    """Each team once; `long` has all updates of each."""
    planned = sample()
    assert {journey.version for journey in planned} == set(VERSIONS)
    assert {(journey.low, journey.high) for journey in planned} == {
        (a, b) for a in levels() for b in levels() if a <= b
    }
    found = arrivals(planned, 1)
    with capsys.disabled():
        print("\n" + table("from version", found, lambda each: each.journey.version))
    assert complaints(found) == []


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_whole_fleet(arrivals, capsys, request):
    planned = [journey for team in TEAMS for journey in journeys(team.__name__)]
    found = arrivals(planned, os.cpu_count() or 1)
    text = tables(found)
    with capsys.disabled():
        print("\n" + text)
    if request.config.getoption("--write-fleet"):
        PAGE.write_text(INTRODUCTION.format(teams=len(TEAMS), versions=len(VERSIONS), this=THIS) + text)
    assert complaints(found) == []


def test_lost_edit_is_found(arrivals, monkeypatch):
    """An update that takes the template's side everywhere loses edits."""
    monkeypatch.setattr("copier_mlops.merging.merge_commit", take_theirs)
    (found,) = arrivals([Journey("ends", THIS, 0, 0)], 1)
    assert len(found.lost) > found.edits / 2


def take_theirs(clone: Path, ours: str, template: str) -> None:
    """Do what a render over the project does, instead of a merge."""
    git("reset", "--quiet", "--hard", ours, folder=clone)
    git("read-tree", "-u", "--reset", template, folder=clone)
