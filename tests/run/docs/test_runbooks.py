"""The commands in the docs of a project, typed."""

import re

from harness.projects import commands
from harness.tasks import SERVERS
from harness.template import Project

PAGES = [
    "docs/runbooks/bad-data.md",
    "docs/runbooks/model-underperforms.md",
    "docs/runbooks/incident.md",
    "docs/runbooks/model-server.md",
    "docs/experiments.md",
    "docs/team.md",
]
ELSEWHERE = {"ui", "rollback"}  # a server, and what test_governance.py runs
FIRST_DAY = "docs/first-day.md"


def typed(project: Project, pages: list[str]) -> list[str]:
    """Return the commands of pages, each once, without those that other tests run."""
    found = dict.fromkeys(command for page in pages for command in commands(project.text(page)))
    return [command for command in found if command.removeprefix("uv run poe ").split()[0] not in ELSEWHERE]


def test_every_command_of_the_docs_works(churn):
    project = churn
    project.poe("register")
    found = typed(project, PAGES)
    assert len(found) > 12
    for command in found:
        project.run("bash", "-euo", "pipefail", "-c", command)
    assert "promotion done" in project.text("audit.csv")


def test_first_day_of_each_role_shows_what_its_page_names(churn):
    page = churn.text(FIRST_DAY)
    roles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert roles == ["Data engineer", "Data scientist", "ML engineer", "MLOps engineer"]
    rows = [
        (command, re.findall(r"`([^`]+)`", seen.partition(";")[0]))
        for command, seen in re.findall(r"^\| `uv run ([^`]+)` \| (.*) \|$", page, re.MULTILINE)
        if command not in {f"poe {task}" for task in [*SERVERS, "alerts"]}
    ]
    assert len(rows) == 14
    for command, seen in rows:
        program, *arguments = command.split()
        done = churn.poe(*arguments) if program == "poe" else churn.run("uv", "run", program, *arguments)
        assert seen, command
        for each in seen:
            assert each in done.stdout or (churn.path / each).exists(), f"{command}: {each}\n{done.stdout}"
    assert churn.run("git", "status", "--porcelain").stdout == "", "nothing to commit"
