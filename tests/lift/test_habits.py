"""What nearly every team does to a repository costs no conflict, neither alone nor together, and is not lost."""

import tomllib
from collections.abc import Callable

import pytest
from harness.lifting import LATER, NOW, commit, lift, repository
from harness.template import Project, git, levels

LOW, HIGH = levels()[0], levels()[-1]
MOVED = "src/customer_churn/pipeline/gate.py", "src/customer_churn/quality/gate.py"
ADDED = {"polars": (), "pytest-cov": ("--dev",), "cachetools": ("--group", "serve"), "altair": ("--group", "viz")}
README = "# Loyalty\n\nOurs from the first line to the last.\n"
LATER_HOOKS = ("detect-secrets==1.6.0", "pre-commit-hooks==7.0.0")


def add_packages(project: Project) -> None:
    """Add packages to `dependencies` and to three groups."""
    for name, group in ADDED.items():
        project.run("uv", "add", "--quiet", "--frozen", *group, name)


def format_with_another_width(project: Project) -> None:
    """Format all code with 79 columns."""
    text = project.text("pyproject.toml")
    assert "line-length = 120" in text
    (project.path / "pyproject.toml").write_text(text.replace("line-length = 120", "line-length = 79"))
    project.run("ruff", "format", "--quiet", "--no-cache", ".")


def update_hooks(project: Project) -> None:
    """Take later versions of the hooks."""
    text = project.text(".pre-commit-config.yaml")
    for old, new in zip(("detect-secrets==1.5.0", "pre-commit-hooks==6.0.0"), LATER_HOOKS, strict=True):
        assert old in text
        text = text.replace(old, new)
    (project.path / ".pre-commit-config.yaml").write_text(text)


def rewrite_readme(project: Project) -> None:
    """Write a README of the team's own."""
    (project.path / "README.md").write_text(README)


def move_a_file(project: Project) -> None:
    """Move a managed module into a folder of the team's."""
    (project.path / MOVED[1]).parent.mkdir()
    git("mv", *MOVED, folder=project.path)


HABITS = [add_packages, format_with_another_width, update_hooks, rewrite_readme, move_a_file]


def is_kept(project: Project, habit: Callable[[Project], None]) -> bool:
    """Return whether what a habit made is still there."""
    settings = tomllib.loads(project.text("pyproject.toml"))
    groups = settings["dependency-groups"]
    if habit is add_packages:
        tables = {"polars": settings["project"]["dependencies"], "pytest-cov": groups["dev"]}
        tables |= {"cachetools": groups["serve"], "altair": groups["viz"]}
        return all(name in table for name, table in tables.items())
    if habit is format_with_another_width:
        return project.run("ruff", "format", "--check", "--no-cache", ".", rc=None).returncode == 0
    if habit is update_hooks:
        return all(hook in project.text(".pre-commit-config.yaml") for hook in LATER_HOOKS)
    if habit is rewrite_readme:
        return project.text("README.md") == README
    return not (project.path / MOVED[0]).exists() and (project.path / MOVED[1]).exists()


@pytest.mark.parametrize(
    "habits", [*([habit] for habit in HABITS), HABITS], ids=lambda of: f"{len(of)}-{of[0].__name__}"
)
def test_habit_survives_a_version_in_which_each_managed_file_changed(render_version, tmp_path, habits):
    project = repository(render_version(NOW, maturity_level=HIGH), tmp_path / "project")
    for habit in habits:
        habit(project)
    commit(project, "Work")
    assert lift(project, version=LATER).conflicts == []
    assert [habit.__name__ for habit in habits if not is_kept(project, habit)] == []
    fresh = render_version(LATER, maturity_level=HIGH)
    updated = [path for path in fresh.files() if "# New\n" in fresh.text(path)]
    where = dict([MOVED]) if move_a_file in habits else {}
    assert [path for path in updated if "# New\n" not in project.text(where.get(path, path))] == []


def test_habits_survive_a_raise(lived_in):
    project = lived_in(LOW)
    habits = [format_with_another_width, rewrite_readme, move_a_file]
    for habit in habits:
        habit(project)
    project.run("uv", "add", "--quiet", "--frozen", "polars")
    project.run("uv", "add", "--quiet", "--frozen", "--dev", "pytest-cov")
    commit(project, "Work")
    assert lift(project, HIGH).conflicts == []
    assert [habit.__name__ for habit in habits if not is_kept(project, habit)] == []
    settings = tomllib.loads(project.text("pyproject.toml"))
    assert "polars" in settings["project"]["dependencies"]
    assert "pytest-cov" in settings["dependency-groups"]["dev"]
    assert (project.path / "dvc.yaml").exists()
