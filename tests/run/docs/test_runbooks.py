"""What the docs of a project tell people to type, typed."""

import re

PAGES = [
    "docs/runbooks/bad-data.md",
    "docs/runbooks/model-underperforms.md",
    "docs/runbooks/incident.md",
    "docs/experiments.md",
    "docs/team.md",
]
ELSEWHERE = {"ui", "rollback"}  # a server, and what test_governance.py runs


def commands(text: str) -> list[str]:
    """Return all commands of a page, in blocks and in lines."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    typed = [line.strip() for block in blocks for line in block.splitlines()]
    inline = [" ".join(each.split()) for each in re.findall(r"`((?:uv run|git log)[^`]+)`", text)]
    return typed + inline


def test_every_command_of_the_docs_works(churn):
    project = churn
    project.poe("register")
    typed = list(dict.fromkeys(command for page in PAGES for command in commands(project.text(page))))
    assert len(typed) > 12
    for command in typed:
        task = re.match(r"uv run poe ([\w-]+)", command)
        if not (task and task[1] in ELSEWHERE):
            project.run("bash", "-euo", "pipefail", "-c", command)
    assert "promotion done" in project.text("audit.csv")
