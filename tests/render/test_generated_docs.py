"""The docs of a generated project name only what there is, and the same owners as CODEOWNERS."""

import re
from pathlib import Path

import pytest
from harness.template import Project
from pathspec import PathSpec

OPERATING = ["bad-data", "incident", "model-server", "model-underperforms"]
MADE = (".dvc/config.local", ".dvc-remote/", "mlruns/", "reports/", "data/", "models/")  # by tasks


@pytest.fixture
def level_1(render) -> Project:
    return render(maturity_level=1)


def docs(project: Project) -> dict[str, str]:
    """Return the text of each page, and of the README."""
    pages = [path.relative_to(project.path).as_posix() for path in (project.path / "docs").rglob("*.md")]
    return {page: project.text(page) for page in [*pages, "README.md"]}


def test_docs_name_only_tasks_that_there_are(level_1):
    known = level_1.tasks().keys()
    for page, text in docs(level_1).items():
        assert set(re.findall(r"(?:uv run|`)\s?poe ([a-z][\w-]*)", text)) <= known, page


def test_docs_name_only_files_that_there_are(level_1):
    for page, text in docs(level_1).items():
        named = re.findall(r"`((?:\.?[\w-]+/)+[\w.-]*|\w+\.(?:ya?ml|toml))`", text)
        for name in named:
            assert name.startswith(MADE) or (level_1.path / name).exists() or name == "data.py", f"{page} names {name}"
        for link in re.findall(r"\]\(([\w./-]+\.md)", text):
            assert ((level_1.path / page).parent / link).exists(), f"{page} links {link}"


@pytest.mark.parametrize("name", OPERATING)
def test_runbook_goes_from_symptom_to_follow_up(level_1, name):
    text = level_1.text(f"docs/runbooks/{name}.md")
    assert "\n**Symptom.** " in text
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[-3:] == ["Diagnose", "Mitigate", "Follow-up"]
    assert len(text.split()) < 600, "more than there is time for"


def test_codeowners_and_hand_offs_name_the_same_files_of_the_same_roles(level_1):
    roles = re.findall(r"^\| \*\*(\w+)\*\*.*?\| .*? \| (.*?) \|", level_1.text("docs/team.md"), re.MULTILINE)
    by_hand_offs = {role: [f"/{name}" for name in re.findall("`(.*?)`", files)] for role, files in roles}
    parts = re.findall(r"^# (\w+)\n((?:/.*\n)+)", level_1.text(".github/CODEOWNERS"), re.MULTILINE)
    by_owners = {role: [line.split()[0] for line in lines.splitlines()] for role, lines in parts}
    assert by_owners == by_hand_offs
    assert list(by_owners) == ["Build", "Validate", "Deploy", "Operate"]


def test_each_line_of_codeowners_matches_a_file_and_names_the_owner(level_1):
    for line in level_1.text(".github/CODEOWNERS").splitlines():
        if line and not line.startswith("#"):
            pattern, *owners = line.split()
            assert list(PathSpec.from_lines("gitignore", [pattern]).match_files(level_1.files())), pattern
            assert owners == [f"@{level_1.answers['owner']}"]


def test_decisions_are_numbered_and_have_the_parts_of_the_template(level_1):
    folder = level_1.path / "docs/decisions"
    records = sorted(path for path in folder.glob("*.md") if path.stem != "template")
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for record in records:
        assert headings(record) == headings(folder / "template.md")


def headings(page: Path) -> list[str]:
    return re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
