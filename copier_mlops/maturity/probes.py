"""The probes: what is asked about a repository, and what answers it."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path

from copier_mlops.catalogue import levels
from copier_mlops.maturity.repository import Line, Repository

PLACE = Path(__file__).with_name("probes.toml")
FRESH_DAYS = 365  # of a result that proves something


class Grade(IntEnum):
    """How well something is shown. A level counts what is wired or better."""

    NONE = 0
    DECLARED = 1  # it is there
    WIRED = 2  # a task, workflow or pipeline runs it
    PROVEN = 3  # a dated result shows that it ran


@dataclass(frozen=True)
class Evidence:
    """What a probe found, and where."""

    grade: Grade
    place: str = ""  # `file:line`, or what else shows it
    text: str = ""


@dataclass(frozen=True)
class Probe:
    """A question about a repository; `probes.toml` describes the fields."""

    id: str
    capability: str
    question: str
    why: str
    minutes: int
    remedy: str = ""  # default: the level of the template
    manual: bool = False  # a person may run it: commands of the README count
    packages: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    content: str = ""  # regular expression that a live file matches
    requires: list[str] = field(default_factory=list)  # probes without which this one cannot tell
    needs: list[str] = field(default_factory=list)  # globs, one of which must be there
    paths: list[str] = field(default_factory=list)  # globs of the files in which to look; default: all
    code: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    config: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    @cached_property
    def level(self) -> int:
        """The level of the capability."""
        names = {each["name"]: level["number"] for level in levels() for each in level.get("capabilities", [])}
        return names[self.capability]

    def look(self, repository: Repository, today: date) -> Evidence:
        """Return the best evidence in a repository."""
        if self.needs and not repository.matching(self.needs):
            return Evidence(Grade.NONE)
        wired = next(self._wired(repository), None)
        if wired is None:
            declared = next(self._declared(repository), None)
            return Evidence(Grade.DECLARED, str(declared), declared.text) if declared else Evidence(Grade.NONE)
        for path in repository.matching(self.results):
            if (day := repository.dated(path)) >= (today - timedelta(FRESH_DAYS)).isoformat():
                return Evidence(Grade.PROVEN, path, f"of {day}")
        return Evidence(Grade.WIRED, str(wired), wired.text)

    def _wired(self, repository: Repository) -> Iterator[Line]:
        content = [re.compile(self.content, re.MULTILINE)]
        for path in repository.matching(self.live):
            yield from repository.search(content, [path]) if self.content else [Line(path, 0, "")]
        yield from repository.search(_patterns(self.run), self._among(repository, repository.wiring))
        run = repository.run_by_people if self.manual else repository.run
        yield from repository.search(_patterns(self.code), sorted({*self._among(repository, repository.code)} & run))
        if self.config and repository.applied:
            yield from repository.search(_patterns(self.config), self._among(repository, repository.config))

    def _declared(self, repository: Repository) -> Iterator[Line]:
        yield from (repository.packages[name] for name in self.packages if name in repository.packages)
        yield from (Line(path, 0, "") for path in repository.matching(self.files))
        yield from repository.search(_patterns(self.code), self._among(repository, repository.code))
        yield from repository.search(_patterns(self.config), self._among(repository, repository.config))

    def _among(self, repository: Repository, paths: list[str]) -> list[str]:
        return repository.matching(self.paths, paths) if self.paths else paths


@cache
def probes() -> list[Probe]:
    """Return all probes, in the order of their ids."""
    return [Probe(**each) for each in tomllib.loads(PLACE.read_text(encoding="utf-8"))["probes"]]


def _patterns(expressions: list[str]) -> list[re.Pattern[str]]:
    return [re.compile(each, re.MULTILINE) for each in expressions]
