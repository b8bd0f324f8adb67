"""Each task of a project is run as a process by some test, whatever else runs as a fork."""

import re

import pytest
from harness.forks import module_of
from harness.lifting import kinds
from harness.tasks import ELSEWHERE, SERVERS, TASKS
from harness.template import levels, options_at


def test_each_task_is_run(render):
    each_last = {level: {name: values[-1] for name, values in options_at(level).items()} for level in levels()}
    answers = [(level, kind) for level in levels() for kind in [*kinds(level), each_last[level]]]
    projects = [render(maturity_level=level, **kind) for level, kind in answers]
    tasks = {task for project in projects for task in project.tasks() if not task.startswith("_")}
    assert tasks == {*TASKS, *SERVERS, *ELSEWHERE}


COMMAND = re.compile(r"python (?:-m (?!pytest)(?P<module>[\w.]+)|(?P<path>tools/\w+\.py))")


def test_each_task_for_people_parses_its_arguments(render):
    """Without that, `poe TASK --help` runs the task."""
    for level in levels():
        project = render(maturity_level=level, **{name: values[-1] for name, values in options_at(level).items()})
        for task, content in project.tasks().items():
            found = COMMAND.match(content.get("cmd", "")) if isinstance(content, dict) else None
            if not found or task.startswith("ci-"):
                continue
            path = project.path / (found["path"] or f"src/{found['module'].replace('.', '/')}.py")
            source = path if path.exists() else path.with_suffix("") / "__main__.py"
            assert "parse_args(" in source.read_text(encoding="utf-8"), f"poe {task}"


@pytest.mark.parametrize("task", ELSEWHERE)
def test_test_that_is_named_runs_the_task_as_a_process(render, task):
    can_fork = any(module_of(render(maturity_level=level).tasks().get(task)) for level in levels())
    run = rf'process\(\s*"{task}"' if can_fork else rf'(poe|process)\(\s*"{task}"|\*arguments = \("{task}"|poe {task}\b'
    assert re.search(run, ELSEWHERE[task].read_text(encoding="utf-8"))
