"""What the docs of a project tell people to type, typed."""

from harness.projects import commands
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
