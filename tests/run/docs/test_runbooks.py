"""What the docs of a project tell people to type, typed."""

import re

from harness.template import Project

PAGES = [
    "docs/runbooks/bad-data.md",
    "docs/runbooks/model-underperforms.md",
    "docs/runbooks/incident.md",
    "docs/experiments.md",
    "docs/team.md",
]
LEVEL_2 = ["docs/levels/2.md", "docs/runbooks/drift.md", "docs/runbooks/labels.md", "docs/runbooks/retraining.md"]
ELSEWHERE = {"ui", "rollback"}  # a server, and what test_governance.py runs


def commands(text: str) -> list[str]:
    """Return all commands of a page, in blocks and in lines."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    typed = [line.strip() for block in blocks for line in block.splitlines()]
    inline = [" ".join(each.split()) for each in re.findall(r"`((?:uv run|git log)[^`]+)`", text)]
    return typed + inline


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
