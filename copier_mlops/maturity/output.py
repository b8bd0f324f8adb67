"""An assessment as text, Markdown, JSON, SARIF, a page or a badge."""

import json
from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader

from copier_mlops.maturity.assessment import Assessment, Finding, level_name
from copier_mlops.maturity.probes import Grade, Probe

MARKS = {"yes": "✓", "no": "✗", "unknown": "?"}
COLORS = {None: "#9f9f9f", 0: "#c98b2b", 1: "#7a9a2f", 2: "#2f8f5b", 3: "#1f6f9f"}
FEW = 3  # remedies that the next step names


def text(found: Assessment) -> str:
    """Return lines for a terminal."""
    lines = [f"{found.name}: {found.title}", ""]
    for level in found.levels:
        of_level = found.of_level(level)
        lines.append(f"{level_name(level)}: {sum(one.answer == 'yes' for one in of_level)} of {len(of_level)}")
        lines += [f"  {MARKS[one.answer]} {one.probe.id} {one.probe.question}{_why(one)}" for one in of_level]
    return "\n".join([*lines, "", *next_step(found)])


def next_step(found: Assessment) -> list[str]:
    """Return what is cheapest to do for the next level."""
    if not found.missing:
        return ["Nothing is missing: to prove what is wired, run it and commit the results."]
    remedies: dict[str, list[Finding]] = {}
    for one in found.missing:
        remedies.setdefault(one.remedy, []).append(one)
    minutes = {remedy: max(one.probe.minutes for one in all_) for remedy, all_ in remedies.items()}
    level = level_name(found.missing[0].probe.level)
    return [
        f"For {level}: {len(found.missing)} missing, about {sum(minutes.values())} minutes. Next:",
        *(
            f"  {remedy}  ({', '.join(one.probe.id for one in all_)}; {minutes[remedy]} minutes)"
            for remedy, all_ in [*remedies.items()][:FEW]
        ),
    ]


def markdown(found: Assessment) -> str:
    """Return a table for a pull request."""
    rows = [
        f"| {MARKS[one.answer]} | {one.probe.id} | {one.probe.question} | {one.evidence.grade.name.lower()} | {_cell(_where(one))} |"
        for one in found.findings
    ]
    head = [f"**{found.title}**", "", "| | probe | question | grade | evidence |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, "", *next_step(found)])


def as_json(found: Assessment) -> str:
    """Return all findings; keys are only ever added."""
    content = {
        "version": 1,
        "name": found.name,
        "level": found.level,
        "findings": [one.row() for one in found.findings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def sarif(found: Assessment) -> str:
    """Return what is missing or unknown as SARIF 2.1.0, for code scanning."""
    from importlib.metadata import version

    driver = {"name": "copier-mlops", "version": version("copier-mlops"), "rules": [*map(_rule, found.findings)]}
    results = [_result(one) for one in found.findings if one.answer != "yes"]
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps(
        {"$schema": schema, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    )


def badge(found: Assessment) -> str:
    """Return a badge with the level, as SVG."""
    return _template("badge.svg.j2").render(found=found, color=COLORS[found.level], name=level_name(found.level))


def page(found: Assessment) -> str:
    """Return a page with the path of the levels."""
    return _template("page.html.j2").render(
        found=found,
        colors=COLORS,
        level_name=level_name,
        marks=MARKS,
        steps=next_step(found),
        Grade=Grade,
        where=_where,
    )


FORMATS: dict[str, Callable[[Assessment], str]] = {
    "text": text,
    "markdown": markdown,
    "json": as_json,
    "html": page,
    "svg": badge,
    "sarif": sarif,
}


def description(probe: Probe) -> str:
    """Return all about a probe, for a terminal."""
    looks = {
        "files that take effect": probe.live,
        "packages": probe.packages,
        "files": probe.files,
        "code": probe.code,
        "lines that are run": probe.run,
        "configuration": probe.config,
        "results": probe.results,
    }
    lines = [f"{probe.id} {probe.capability}, level {probe.level}", probe.question, f"Why: {probe.why}"]
    lines += [f"Looks for {what}: {'  '.join(one)}" for what, one in looks.items() if one]
    return "\n".join(
        [*lines, f"Remedy, about {probe.minutes} minutes: {probe.remedy or f'level {probe.level} of the template'}"]
    )


def _template(name: str) -> Any:
    return Environment(loader=PackageLoader("copier_mlops.maturity"), autoescape=True, trim_blocks=True).get_template(
        name
    )


def _where(finding: Finding) -> str:
    return " ".join(part for part in (finding.evidence.place, finding.note) if part)


def _why(finding: Finding) -> str:
    grade = finding.evidence.grade.name.lower() if finding.answer == "yes" or finding.evidence.grade else ""
    parts = ", ".join(part for part in (grade, _where(finding)) if part)
    return f" ({parts})" if parts else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _rule(finding: Finding) -> dict[str, Any]:
    probe = finding.probe
    return {
        "id": probe.id,
        "name": probe.capability,
        "shortDescription": {"text": probe.question},
        "fullDescription": {"text": probe.why},
        "help": {"text": finding.remedy},
    }


def _result(finding: Finding) -> dict[str, Any]:
    path, _, line = finding.evidence.place.partition(":")
    place: dict[str, Any] = {"artifactLocation": {"uri": path or "README.md"}}
    if line.isdigit():
        place["region"] = {"startLine": int(line)}
    message = f"{finding.probe.question} {finding.answer.capitalize()}. {finding.remedy}"
    return {
        "ruleId": finding.probe.id,
        "level": "warning" if finding.answer == "no" else "note",
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }
