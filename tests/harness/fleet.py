"""A fleet of repositories, each with a team that works in its own way, and what an update leaves of their edits."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from copier_mlops.errors import CommandError
from harness.lifting import NEWEST, commit, conflicts, lift
from harness.template import ANSWERS_FILE, Project, git, is_seed

# How a comment is written. Files of other kinds, such as JSON and CSV, have none, and are edited by none of the teams.
COMMENTS = {
    **dict.fromkeys((".py", ".toml", ".yaml", ".yml", ".conf", ".cfg", ""), "# {}"),
    **dict.fromkeys((".md", ".html", ".j2"), "<!-- {} -->"),
}
MARK = re.compile(rb"ours-\d+-")


@dataclass
class Work:
    """The repository of a team, and the marks of its edits."""

    project: Project
    marks: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(7))
    numbers: "count[int]" = field(default_factory=count)

    def mark(self) -> str:
        """Return a text that stands for an edit and occurs nowhere else."""
        self.marks.append(f"ours-{next(self.numbers)}-")
        return self.marks[-1]

    def files(self, *, seeds: bool = True) -> list[str]:
        """Return the files in which a comment can be written, but for the answers."""
        found = [path for path in self.project.files() if path != ANSWERS_FILE and Path(path).suffix in COMMENTS]
        return [path for path in found if seeds or not is_seed(path)]

    def insert(self, path: str, where: float) -> None:
        """Add a line of its own at a part of the file's length."""
        lines = self.lines(path)
        lines.insert(round(where * len(lines)), COMMENTS[Path(path).suffix].format(self.mark()) + "\n")
        self.write(path, lines)

    def change(self, path: str, where: float) -> None:
        """Add a comment to a line at a part of the file's length."""
        lines = self.lines(path)
        if lines:
            number = min(round(where * len(lines)), len(lines) - 1)
            comment = COMMENTS[Path(path).suffix].format(self.mark())
            lines[number] = f"{lines[number].rstrip()}  {comment}\n"
            self.write(path, lines)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text of a file, if both are there, by one with a mark in place of braces."""
        file = self.project.path / path
        if file.exists() and old in file.read_text(encoding="utf-8"):
            text = file.read_text(encoding="utf-8").replace(old, new.replace("{}", self.mark()), 1)
            file.write_text(text, encoding="utf-8")

    def rewrite(self, path: str) -> None:
        """Write a file of its own in place of another, or where there is none."""
        comment = COMMENTS[Path(path).suffix]
        self.write(path, [comment.format(self.mark()) + "\n", "\n", comment.format(self.mark()) + "\n"])

    def delete(self, path: str) -> None:
        """Delete a file."""
        (self.project.path / path).unlink()
        self.deleted.append(path)

    def move(self, path: str, new: str) -> None:
        """Move a file or folder."""
        (self.project.path / new).parent.mkdir(parents=True, exist_ok=True)
        git("mv", path, new, folder=self.project.path)

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file."""
        return (self.project.path / path).read_text(encoding="utf-8").splitlines(keepends=True)

    def write(self, path: str, lines: Iterable[str], newline: str = "") -> None:
        """Write a file."""
        file = self.project.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines), encoding="utf-8", newline=newline or None)


def untouched(work: Work) -> None:
    """Changes nothing."""


def own_pages(work: Work) -> None:
    """Has rewritten the README and written into each page of docs/."""
    work.rewrite("README.md")
    for path in work.files():
        if path.startswith("docs/"):
            work.insert(path, 0.5)


def ends(work: Work) -> None:
    """Has added a line at the end of each file."""
    for path in work.files():
        work.insert(path, 1)


def beginnings(work: Work) -> None:
    """Has added a line at the beginning of each file."""
    for path in work.files():
        work.insert(path, 0)


def middles(work: Work) -> None:
    """Has added lines at a third and two thirds of each file."""
    for path in work.files():
        work.insert(path, 0.33)
        work.insert(path, 0.67)


def changed_lines(work: Work) -> None:
    """Has changed one line of each file."""
    for path in work.files():
        work.change(path, work.random.random())


def own_model(work: Work) -> None:
    """Has rewritten all files that are the team's, and has modules and tests of its own."""
    for path in work.files():
        if is_seed(path):
            work.rewrite(path)
    for path in ("src/customer_churn/ours.py", "src/customer_churn/modeling/more.py", "tests/test_ours.py"):
        work.rewrite(path)


def packages(work: Work) -> None:
    """Has packages, groups, tools and tasks of its own in pyproject.toml."""
    path = "pyproject.toml"
    work.replace(path, "dependencies = [\n", 'dependencies = [\n    "httpx>=0.28", # {}\n')
    work.replace(path, '    "pandas>=2.2', '    "polars>=1.30", # {}\n    "pandas>=2.2')
    work.replace(path, "[dependency-groups]\n", '[dependency-groups]\nours = ["requests>=2.32"] # {}\n')
    work.replace(path, 'version = "0.1.0"', 'version = "1.4.2" # {}')
    work.replace(path, "[tool.poe.tasks]\n", '[tool.poe.tasks]\nours = "echo {}"\n')
    work.replace(path, "[tool.pytest.ini_options]\n", "[tool.pytest.ini_options]\nxfail_strict = true # {}\n")


def settings(work: Work) -> None:
    """Has changed parameters and settings."""
    for path in work.files():
        if path.startswith(("params", "config/", "deploy/", "monitoring/", "tasks/", ".dvc/", "dvc")):
            work.change(path, 0.5)
            work.insert(path, 0.8)


def renamed(work: Work) -> None:
    """Has renamed the package, and edited it."""
    for path in work.files(seeds=False):
        if path.startswith("src/"):
            work.insert(path, 1)
    commit(work.project, "Edit")
    work.move("src/customer_churn", "src/loyalty")
    for path in work.files():
        work.write(path, [line.replace("customer_churn", "loyalty") for line in work.lines(path)])


def other_formatter(work: Work) -> None:
    """Has lines of 79 characters, formatted by ruff, and edits in each module."""
    work.replace("pyproject.toml", "line-length = 120", "line-length = 79 # {}")
    ruff = Path(sys.executable).with_name("ruff")
    subprocess.run([ruff, "format", "--quiet", "--no-cache", "."], cwd=work.project.path, check=True)
    for path in work.files():
        if path.endswith(".py"):
            work.insert(path, 1)


def less(work: Work) -> None:
    """Has deleted the notebook, the tests and half of the pages, and edited what is left."""
    for path in work.files():
        if path.startswith(("notebooks/", "tests/")) or (path.startswith("docs/") and work.random.random() < 0.5):
            work.delete(path)
    for path in work.files(seeds=False):
        work.insert(path, 0.9)


def moved(work: Work) -> None:
    """Has moved pages and managed tests to other folders, and edited them there."""
    for path in work.files(seeds=False):
        if path.startswith("docs/"):
            work.move(path, path.replace("docs/", "handbook/", 1))
        elif path.startswith("tests/test_"):
            work.move(path, path.replace("tests/", "tests/unit/", 1))
    commit(work.project, "Move")
    for path in work.files():
        if path.startswith(("handbook/", "tests/unit/")):
            work.insert(path, 1)


def own_delivery(work: Work) -> None:
    """Has files of its own where a level has or will have some: workflows, image, compose.yaml, pages."""
    for path in (
        ".github/workflows/ci.yml",
        ".github/workflows/ours.yml",
        ".pre-commit-config.yaml",
        "Dockerfile",
        "compose.yaml",
        "docs/team.md",
        "monitoring/rules/ours.yaml",
        "tasks/ours.toml",
    ):
        work.rewrite(path)


def windows(work: Work) -> None:
    """Has pages with the line ends of Windows."""
    work.write(".gitattributes", [*work.lines(".gitattributes"), "*.md -text\n"])
    for path in work.files():
        if path.endswith(".md"):
            work.insert(path, 0.5)
            work.write(path, work.lines(path), newline="\r\n")


def move_into_folder(work: Work) -> None:
    """Move the project into a folder of a larger repository."""
    inner = work.project.path / "services" / "churn"
    inner.mkdir(parents=True)
    for entry in list(work.project.path.iterdir()):
        if entry.name not in {".git", "services"}:
            shutil.move(entry, inner / entry.name)
    (work.project.path / "README.md").write_text("The whole\n", encoding="utf-8")
    commit(work.project, "Move into a folder")
    work.project = Project(inner, work.project.answers)


def monorepo(work: Work) -> None:
    """Has the project in a folder of a larger repository, and edits at the end of each file."""
    ends(work)
    move_into_folder(work)


def odd_names(work: Work) -> None:
    """Has names with spaces and accents, scripts that can be executed, and a link."""
    work.rewrite("src/customer_churn/Größe und Zahl.py")
    work.rewrite("docs/a page\twith a tab.md")
    for path in work.files(seeds=False)[::4]:
        work.insert(path, 1)
        (work.project.path / path).chmod(0o755)
    (work.project.path / "docs" / "link.md").symlink_to("levels/0.md")


def git_settings(work: Work) -> None:
    """Has settings of Git that ignore files and turn off differences, and edits in each file."""
    hidden = work.project.path / ".git" / "personal"
    hidden.write_text("*.toml\n*.json\n.env*\ncompose.yaml\n/tasks/\n", encoding="utf-8")
    git("config", "core.excludesFile", hidden, folder=work.project.path)
    (work.project.path / ".git" / "info" / "attributes").write_text("*.toml -diff\n*.yaml binary\n", encoding="utf-8")
    for path in work.files():
        work.insert(path, 0.5)


def anything(work: Work) -> None:
    """Has made forty edits anywhere."""
    for _ in range(40):
        path = work.random.choice(work.files())
        work.random.choice((work.insert, work.change))(path, work.random.random())


def history(work: Work) -> None:
    """Has ten commits on two branches, merged and in part reverted."""
    main = git("branch", "--show-current", folder=work.project.path).strip()
    for number in range(10):
        if number == 3:
            git("switch", "--quiet", "--create", "feature", folder=work.project.path)
        if number == 6:
            git("switch", "--quiet", main, folder=work.project.path)
        half = [path for path in work.files() if (sum(path.encode()) % 2 == 0) == (3 <= number < 6)]
        for _ in range(4):
            work.insert(work.random.choice(half), work.random.random())
        commit(work.project, f"Work {number}")
    git("merge", "--quiet", "--no-edit", "feature", folder=work.project.path)
    git("revert", "--no-edit", "HEAD~1", folder=work.project.path)
    left = b"".join((work.project.path / path).read_bytes() for path in work.files())
    work.marks = [mark for mark in work.marks if mark.encode() in left]


TEAMS: list[Callable[[Work], None]] = [
    untouched,
    own_pages,
    ends,
    beginnings,
    middles,
    changed_lines,
    own_model,
    packages,
    settings,
    renamed,
    other_formatter,
    less,
    moved,
    own_delivery,
    windows,
    monorepo,
    odd_names,
    git_settings,
    anything,
    history,
]


@dataclass(frozen=True)
class Journey:
    """An update of a team's repository from a version at a level to the newest version at the same or a higher one."""

    team: str
    version: str
    low: int
    high: int


@dataclass(frozen=True)
class Arrival:
    """What an update left."""

    journey: Journey
    edits: int
    lost: list[str]
    returned: list[str]  # files that the team had deleted
    conflicts: list[str]
    refused: str


def travel(journey: Journey, project: Project) -> Arrival:
    """Let a team work in a repository that has just been made, update it, and return what is left of the work."""
    work = Work(project)
    next(team for team in TEAMS if team.__name__ == journey.team)(work)
    commit(work.project, "Work")
    there = set(MARK.findall(content(work.project)))
    missing = [mark for mark in work.marks if mark.encode() not in there]
    assert not missing, f"{journey.team} has not written {missing}"
    refused = ""
    try:
        lift(work.project, journey.high, version=NEWEST)
    except CommandError as error:
        refused = str(error)
    left = set(MARK.findall(content(work.project)))
    return Arrival(
        journey,
        edits=len(work.marks) + len(work.deleted),
        lost=[mark for mark in work.marks if mark.encode() not in left],
        returned=[path for path in work.deleted if (work.project.path / path).exists()],
        conflicts=conflicts(work.project),
        refused=refused,
    )


def content(project: Project) -> bytes:
    """Return the content of all files of a project."""
    return b"\n".join(
        (project.path / path).read_bytes() for path in project.files() if path.partition("/")[0] != ".git"
    )


def table(heading: str, arrivals: list[Arrival], key: Callable[[Arrival], str]) -> str:
    """Return a table in Markdown with a row for each group of updates."""
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(key(arrival), []).append(arrival)
    lines = [
        f"| {heading} | updates | edits | lost | updates without a conflict | files in conflict |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, group in [*groups.items(), ("**all**", arrivals)]:
        figures = (
            len(group),
            sum(each.edits for each in group),
            sum(len(each.lost) + len(each.returned) for each in group),
            sum(not each.conflicts for each in group),
            sum(len(each.conflicts) for each in group),
        )
        lines.append(f"| {name} | {' | '.join(f'{figure:,}' for figure in figures)} |")
    return "\n".join(lines) + "\n"


def described(team: str) -> str:
    """Return what a team has done, for a row of a table."""
    found = next(each for each in TEAMS if each.__name__ == team)
    return (found.__doc__ or "").strip().rstrip(".")
