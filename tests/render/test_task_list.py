"""Each task of a project is run as a process by some test, whatever else runs as a fork."""

import re

import pytest
from harness.forks import module_of
from harness.lifting import kinds
from harness.tasks import ELSEWHERE, NOT_RUN, SERVERS, TASKS
from harness.template import levels, options


def test_each_task_is_run(render):
    projects = [render(maturity_level=level, **kind) for level in levels() for kind in kinds(level)]
    projects += [render(maturity_level=2, orchestrator=each) for each in options()["orchestrator"]]
    tasks = {task for project in projects for task in project.tasks() if not task.startswith("_")}
    assert tasks == {*TASKS, *SERVERS, *ELSEWHERE, *NOT_RUN}


@pytest.mark.parametrize("task", ELSEWHERE)
def test_test_that_is_named_runs_the_task_as_a_process(render, task):
    can_fork = any(module_of(render(maturity_level=level).tasks().get(task)) for level in levels())
    run = rf'process\(\s*"{task}"' if can_fork else rf'(poe|process)\(\s*"{task}"|\*arguments = \("{task}"|poe {task}\b'
    assert re.search(run, ELSEWHERE[task].read_text(encoding="utf-8"))
