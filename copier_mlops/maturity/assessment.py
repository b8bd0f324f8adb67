"""The assessment of a repository: what each probe found, the level, and the next step."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

from copier_mlops.catalogue import levels
from copier_mlops.errors import CommandError
from copier_mlops.maturity.probes import Evidence, Grade, Probe, probes
from copier_mlops.maturity.repository import Repository

Answer = Literal["yes", "no", "unknown"]
ATTESTATIONS = "maturity.toml"


@dataclass(frozen=True)
class Attestation:
    """What a person says of something that no file shows, until a day."""

    by: str
    until: date
    why: str


@dataclass(frozen=True)
class Finding:
    """The answer to a probe. *Unknown* is never *no*: it may be where this command cannot look."""

    probe: Probe
    evidence: Evidence
    answer: Answer
    remedy: str
    note: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        about = self.probe
        return {
            "id": about.id,
            "level": about.level,
            "capability": about.capability,
            "question": about.question,
            "answer": self.answer,
            "grade": self.evidence.grade.name.lower(),
            "place": self.evidence.place,
            "text": self.evidence.text,
            "note": self.note,
            "remedy": self.remedy,
            "minutes": about.minutes,
        }


@dataclass(frozen=True)
class Assessment:
    """All findings about a repository."""

    name: str
    findings: list[Finding]

    def of_level(self, level: int) -> list[Finding]:
        """Return the findings about a level."""
        return [one for one in self.findings if one.probe.level == level]

    @cached_property
    def level(self) -> int | None:
        """The highest level whose probes, and those below, are all answered by yes; None if level 0 is not reached."""
        reached = None
        for number in self.levels:
            if any(one.answer != "yes" for one in self.of_level(number)):
                break
            reached = number
        return reached

    @property
    def levels(self) -> list[int]:
        """The levels that there are probes for."""
        return sorted({one.probe.level for one in self.findings})

    @property
    def missing(self) -> list[Finding]:
        """What the next level lacks, the cheapest first."""
        following = next((number for number in self.levels if self.level is None or number > self.level), None)
        found = [one for one in self.of_level(following) if one.answer != "yes"] if following is not None else []
        return sorted(found, key=lambda one: (one.answer == "unknown", one.probe.minutes))

    @property
    def title(self) -> str:
        """The level and the number of proven answers, as the badge has them."""
        count = sum(one.evidence.grade == Grade.PROVEN for one in self.findings)
        yes = sum(one.answer == "yes" for one in self.findings)
        return f"{level_name(self.level)}, {yes} of {len(self.findings)} wired, {count} proven"


def level_name(level: int | None) -> str:
    """Return the number and name of a level."""
    names = {each["number"]: each["name"] for each in levels()}
    return "below level 0" if level is None else f"level {level} {names[level]}"


def assess(repository: Repository, today: date) -> Assessment:
    """Return what the probes find in a repository."""
    attested = attestations(repository)
    found = {one.id: _finding(one, repository, attested.get(one.id), today) for one in probes()}
    return Assessment(repository.root.name, [_dependent(one, found) for one in found.values()])


def _dependent(finding: Finding, others: Mapping[str, Finding]) -> Finding:
    """Return a finding, unknown in place of no where a probe that it requires is not answered by yes."""
    lacks = [name for name in finding.probe.requires if others[name].answer != "yes"]
    if finding.answer == "no" and finding.evidence.grade == Grade.DECLARED and lacks:
        return replace(finding, answer="unknown", note=f"depends on {lacks[0]}")
    return finding


def _finding(probe: Probe, repository: Repository, attested: Attestation | None, today: date) -> Finding:
    answer, evidence, note = _answer(probe, repository, attested, today)
    return Finding(probe, evidence, answer, _remedy(probe, repository), note)


def _remedy(probe: Probe, repository: Repository) -> str:
    if ".copier-answers.yml" in repository.files:
        return f"uv run poe level {probe.level}"
    level = f"copier-mlops new FOLDER --level {probe.level}, and make its data.py, features.py and model.py yours"
    return probe.remedy or level


def _answer(
    probe: Probe, repository: Repository, attested: Attestation | None, today: date
) -> tuple[Answer, Evidence, str]:
    evidence = probe.look(repository, today)
    if evidence.grade >= Grade.WIRED:
        return "yes", evidence, ""
    if attested and attested.until >= today:
        place = f"{ATTESTATIONS}, by {attested.by} until {attested.until}"
        return "yes", Evidence(Grade.DECLARED, place, attested.why), "attested"
    if attested:
        return "unknown", evidence, f"the attestation by {attested.by} ended on {attested.until}"
    if probe.level and (elsewhere := repository.elsewhere):
        return "unknown", evidence, f"{elsewhere} runs what is in another repository"
    if repository.unread and evidence.grade == Grade.NONE:
        return "unknown", evidence, f"{len(repository.unread)} large files were not read"
    return "no", evidence, ""


def attestations(repository: Repository) -> dict[str, Attestation]:
    """Return the attestations of a repository by the id of their probe.

    Raises:
        CommandError: the file is not as `copier-mlops maturity --help` describes it.
    """
    path = repository.root / ATTESTATIONS
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("attest", {})
        known = {name: Attestation(**values) for name, values in found.items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise CommandError(f"{ATTESTATIONS}: write [attest.ID] with by, until (a date) and why: {error}") from error
    ids = [probe.id for probe in probes()]
    for name, one in known.items():
        if name not in ids:
            raise CommandError(f"{ATTESTATIONS}: there is no probe {name}: `copier-mlops maturity list` names all")
        if not isinstance(one.until, date) or not (one.by and one.why):
            raise CommandError(f"{ATTESTATIONS}: {name}: write by, why, and until as a date such as 2027-01-31")
    return known
