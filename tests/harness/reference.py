"""The tables of docs/reference/ that are written from the sources."""

from collections.abc import Callable
from typing import Any

from mlops import catalogue

from copier_mlops.maturity.probes import probes
from harness.template import Project, environment, levels, options, options_at, questions, visible_questions

Render = Callable[..., Project]


def questions_table(render: Render) -> str:
    """Return each question with the level from which it is asked, its choices and its default."""
    answers = render(maturity_level=levels()[-1]).answers
    lines = ["| question | asked | what it decides | choices | default |", "| --- | --- | --- | --- | --- |"]
    for name, question in visible_questions().items():
        text = " ".join(_filled_in(question["help"]).split())
        lines.append(
            f"| `{name}` | {_asked(name)} | {_cell(text)} | {_choices(question)} | {_default(name, question, answers)} |"
        )
    return _joined(lines)


def levels_table(render: Render) -> str:
    """Return the capabilities of each level, with what the template has for them."""
    lines: list[str] = []
    before: set[str] = set()
    for level in catalogue()["levels"]:
        lines += [f"## Level {level['number']}: {level['name']}", ""]
        lines += [f"{level['summary'][0].upper()}{level['summary'][1:]}."]
        if not level["released"]:
            lines += ["", "*Planned.*"]
            continue
        project = render(maturity_level=level["number"])
        files = set(project.files())
        added = f"{len(files - before)} files are new" if before else f"{len(files)} files"
        lines += [f"With all defaults: {added}, and `uv run poe {level['first_task']}` {level['first_result']}.", ""]
        lines += ["| capability | what it adds | command | page of the project |", "| --- | --- | --- | --- |"]
        for each in level["capabilities"]:
            command = f"`poe {each['task']}`" if "task" in each else ""
            lines.append(f"| {each['name']} | {_cell(each['what'])} | {command} | `{each['docs']}` |")
        lines.append("")
        before = files
    return _joined(lines)


def tasks_table(render: Render) -> str:
    """Return the tasks that each level adds or replaces, then those that one answer adds."""
    lines: list[str] = []
    known: dict[str, str] = {}
    for level in levels():
        found = _tasks(render(maturity_level=level))
        lines += [f"## Level {level}", "", "| task | what it does |", "| --- | --- |"]
        lines += [f"| `poe {name}` | {text} |" for name, text in found.items() if known.get(name) != text]
        lines += [""]
        known = found
    lines += ["## Of one answer", "", "| answer | task | what it does |", "| --- | --- | --- |"]
    for question, values in options_at(levels()[-1]).items():
        for value in values[1:]:
            found = _tasks(render(maturity_level=levels()[-1], **{question: value}))
            lines += [
                f"| `{question}`: `{value}` | `poe {name}` | {text} |"
                for name, text in found.items()
                if known.get(name) != text
            ]
    return _joined(lines)


def probes_table(_: Render) -> str:
    """Return the probes of `copier-mlops maturity`, level by level."""
    lines: list[str] = []
    for level in catalogue()["levels"]:
        of_level = [each for each in probes() if each.level == level["number"]]
        if not of_level:
            continue
        lines += [f"## Level {level['number']}: {level['name']}", ""]
        lines += ["| probe | question | why | remedy | minutes |", "| --- | --- | --- | --- | ---: |"]
        for each in of_level:
            remedy = each.remedy or f"level {each.level} of the template"
            cells = map(_cell, (each.question, each.why, remedy))
            lines.append(f"| {each.id} | {' | '.join(cells)} | {each.minutes} |")
        lines.append("")
    return _joined(lines)


TABLES: dict[str, Callable[[Render], str]] = {
    "questions": questions_table,
    "levels": levels_table,
    "tasks": tasks_table,
    "probes": probes_table,
}


def _tasks(project: Project) -> dict[str, str]:
    """Return what `poe` prints of each task."""
    return {
        name: _cell(task["help"])
        for name, task in sorted(project.tasks().items())
        if isinstance(task, dict) and "help" in task
    }


def _asked(name: str) -> str:
    """Return from which level on a question is asked, and after which other answer."""
    when = environment().from_string(str(visible_questions()[name].get("when", True)))
    defaults = {each: values[0] for each, values in options().items()}
    for level in levels():
        if when.render({**defaults, "maturity_level": level}) == "True":
            return "always" if level == levels()[0] else f"from level {level} on"
    for level in levels():
        for other, values in options_at(level).items():
            if any(when.render({**defaults, "maturity_level": level, other: each}) == "True" for each in values):
                return f"from level {level} on, unless `{other}` is `{values[0]}`"
    raise AssertionError(f"{name} is never asked")


def _choices(question: dict[str, Any]) -> str:
    return "<br>".join(f"`{value}`: {_cell(label)}" for label, value in question.get("choices", {}).items())


def _default(name: str, question: dict[str, Any], answers: dict[str, Any]) -> str:
    """Return the default, or an example of one that depends on other answers or on Git."""
    default = str(question["default"])
    if "{{" not in default:
        return f"`{default}`"
    if "choices" in question:
        return f"`{_filled_in(default)}`"
    scheme = _filled_in(str(questions()["remote_scheme"]["default"]), data_remote="s3")
    value = answers[name] if name in answers else _filled_in(default, **answers, remote_scheme=scheme)
    return f"such as `{value}`"


def _filled_in(text: str, **names: Any) -> str:
    """Return a text as Copier shows it."""
    return environment().from_string(text).render(names)


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("<", "&lt;")


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip() + "\n"
