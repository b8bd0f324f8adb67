"""What a team does to its repository in a year is still there after a lift, and in its place."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from copier import run_copy
from lifting import commit, difference, lift, raises, repository, tree
from support import Project, git, is_seed, levels


@dataclass(frozen=True)
class Edit:
    """A piece of text that is put before or in place of another one."""

    path: str
    old: str
    new: str


EDITS = [
    Edit("README.md", "## Start", "We meet on Mondays.\n\n## Start"),
    Edit("README.md", "With [uv]", "On the company's network, with [uv]"),
    Edit("README.md", "<!-- The rest", "## Our own section\n\nOur own words.\n\n<!-- The rest"),
    Edit("pyproject.toml", '  "pandas>=2.2,<3.1",', '  "httpx>=0.28",\n  "pandas>=2.2,<3.1",'),
    Edit("pyproject.toml", 'version = "0.1.0"', 'version = "1.4.2"'),
    Edit("pyproject.toml", "line-length = 120", "line-length = 100"),
    Edit("pyproject.toml", "[tool.poe.tasks]", '[tool.poe.tasks]\nours = "echo ours"'),
    Edit("pyproject.toml", "[dependency-groups]\n", '[dependency-groups]\nours = ["requests>=2.32"]\n'),
    Edit("pyproject.toml", '"pytest>=9"', '"pytest>=9", "pytest-cov>=7"'),
    Edit("params.yaml", "seed: 7", "seed: 11"),
    Edit("tasks/level-0.toml", 'help = "Run the tests', 'help = "Run all our tests'),
    Edit(".gitignore", "# Yours alone", "/ours/\n\n# Yours alone"),
    Edit(".pre-commit-config.yaml", "--maxkb=1024", "--maxkb=4096"),
    Edit(".github/CODEOWNERS", "* @", "/docs/ @writers\n* @"),
    Edit(".github/pull_request_template.md", "## Review", "## Ticket\n\n## Review"),
    Edit("src/customer_churn/gate.py", "lines = []", "lines: list[str] = []  # ours"),
    Edit("dvc.yaml", "  register:", "  ours:\n    cmd: echo ours\n    outs: [ours.txt]\n\n  register:"),
    Edit("tracking.yaml", "purpose: production", "purpose: tuning"),
    Edit(".dvc/config", "    url = ../.dvc-remote", "    url = s3://ours"),
]


def work(project: Project) -> list[Edit]:
    """Make all edits for which there is a file, rewrite the seeds, add an own file; return the edits made."""
    made = [edit for edit in EDITS if (project.path / edit.path).exists()]
    for edit in made:
        text = project.text(edit.path)
        assert text.count(edit.old) == 1, f"{edit.path} has {text.count(edit.old)} times: {edit.old}"
        (project.path / edit.path).write_text(text.replace(edit.old, edit.new))
    for path in seeds(project):
        (project.path / path).write_text("# Rewritten\n")
    (project.path / "src/customer_churn/ours.py").write_text("OURS = 1\n")
    return made


def seeds(project: Project) -> list[str]:
    """Return the seeds but for `params.yaml`, which is edited."""
    return [path for path in project.files() if is_seed(path) and path != "params.yaml"]


@pytest.mark.parametrize(("low", "high"), raises)
def test_edits_of_a_year_are_all_in_their_place(lived_in, render, low, high):
    project = lived_in(low)
    rewritten = seeds(project)
    made = work(project)
    commit(project, "A year of work")
    assert lift(project, high).conflicts == []
    expected = tree(render(maturity_level=high))
    for edit in made:
        expected[edit.path] = expected[edit.path].replace(edit.old.encode(), edit.new.encode(), 1)
    expected |= dict.fromkeys(rewritten, b"# Rewritten\n")
    expected["src/customer_churn/ours.py"] = b"OURS = 1\n"
    assert difference(tree(project), expected) == ""


MANAGED = "# Managed by copier-mlops"
NEW = "# New in this version\n"


@pytest.fixture(scope="session")
def next_version(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template with one more version, in which each managed file has a line more below its first."""
    clone = shutil.copytree(template, tmp_path_factory.mktemp("next version") / "copier-mlops")
    for path in (clone / "template").rglob("*"):
        if path.is_file() and path.read_text(encoding="utf-8").startswith(MANAGED):
            first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join([first, NEW, *others]), encoding="utf-8")
    git("commit", "--all", "--quiet", "--message", "The next version", folder=clone)
    git("tag", "v999.1.0", folder=clone)
    return clone


@pytest.mark.parametrize("level", levels())
def test_next_version_changes_each_managed_file_and_keeps_the_edits_of_a_year(next_version, tmp_path, level):
    def rendered(name: str, version: str) -> Project:
        data = {"maturity_level": level}
        run_copy(str(next_version), tmp_path / name, data, vcs_ref=version, defaults=True, unsafe=True, quiet=True)
        return Project(tmp_path / name, {})

    project = repository(rendered("old", "v999.0.0"), tmp_path / "project")
    rewritten = seeds(project)
    made = work(project)
    commit(project, "A year of work")
    assert lift(project, newest=True).conflicts == []
    expected = tree(rendered("new", "v999.1.0"))
    as_before = [
        path for path, text in expected.items() if text.startswith(MANAGED.encode()) and NEW.encode() not in text
    ]
    assert as_before == ["tools/levels.toml"], "the catalogue alone is not below template/"
    for edit in made:
        expected[edit.path] = expected[edit.path].replace(edit.old.encode(), edit.new.encode(), 1)
    expected |= dict.fromkeys(rewritten, b"# Rewritten\n")
    expected["src/customer_churn/ours.py"] = b"OURS = 1\n"
    assert difference(tree(project), expected) == ""


@pytest.mark.parametrize(("low", "high"), raises)
def test_deleted_seeds_and_files_stay_away(lived_in, low, high):
    project = lived_in(low)
    gone = [*seeds(project), ".github/pull_request_template.md"]
    for path in gone:
        (project.path / path).unlink()
    commit(project, "We do not need these")
    assert lift(project, high).conflicts == []
    assert [path for path in gone if (project.path / path).exists()] == []


@pytest.mark.parametrize(("low", "high"), raises)
def test_renamed_package_is_lifted_under_its_new_name(lived_in, render, low, high):
    project = lived_in(low)
    git("mv", "src/customer_churn", "src/loyalty", folder=project.path)
    model = project.path / "src/loyalty/model.py"
    model.write_text("# Rewritten\n")
    commit(project, "Rename")
    lifted = lift(project, high, package_name="loyalty")
    assert lifted.conflicts == []
    expected = tree(render(maturity_level=high, package_name="loyalty"))
    expected["src/loyalty/model.py"] = b"# Rewritten\n"
    kept = {path for path in seeds(project) if not path.startswith("src/")} | {"params.yaml"}
    found = tree(project)
    assert difference({path: text for path, text in found.items() if path not in kept},
                      {path: text for path, text in expected.items() if path not in kept}) == ""  # fmt: skip


@pytest.mark.parametrize(("low", "high"), raises)
def test_own_file_where_the_level_wants_one(lived_in, render, low, high):
    arriving = sorted(tree(render(maturity_level=high)).keys() - tree(render(maturity_level=low)).keys())
    same, other = arriving[0], arriving[-1]
    project = lived_in(low)
    for path in (same, other):
        (project.path / path).parent.mkdir(parents=True, exist_ok=True)
    (project.path / same).write_bytes(tree(render(maturity_level=high))[same])
    (project.path / other).write_text("ours: 1\n")
    commit(project, "Our own files")
    assert lift(project, high).conflicts == [other]
    assert "ours: 1" in project.text(other)


def test_edit_of_the_very_lines_that_a_level_writes_is_a_conflict_that_shows_both(lived_in):
    project = lived_in(0)
    line = '  "tasks/level-0.toml",\n'
    text = project.text("pyproject.toml")
    (project.path / "pyproject.toml").write_text(text.replace(line, f'  "tasks/ours.toml",\n{line}'))
    commit(project, "Our own tasks, in the block that belongs to the level")
    assert lift(project, 1).conflicts == ["pyproject.toml"]
    assert '"tasks/ours.toml"' in project.text("pyproject.toml")
    assert '"tasks/level-1.toml"' in project.text("pyproject.toml")
