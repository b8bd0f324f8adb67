"""What a team does to its repository in a year is still there after a lift, and in its place."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from harness.lifting import (
    LATER,
    MUCH_LATER,
    NOW,
    commit,
    difference,
    each_level_of_each_kind,
    each_raise_of,
    each_step,
    expected,
    kinds,
    lift,
    repository,
    tree,
)
from harness.template import SHARED, Project, git, is_seed, levels


@dataclass(frozen=True)
class Edit:
    """A piece of text that is put before or in place of another one."""

    path: str
    old: str
    new: str


MANAGED = "Managed by copier-mlops"
EDITS = [
    Edit("README.md", "## Start", "We meet on Mondays.\n\n## Start"),
    Edit("README.md", "With [uv]", "On the company's network, with [uv]"),
    Edit("README.md", "## Your own data", "## Our own section\n\nOur own words.\n\n## Your own data"),
    Edit("AGENTS.md", "## Rules\n", "## Rules\n\n- Ask Ada before a new package.\n"),
    Edit("AGENTS.md", "Write rules of the team here: updates keep them.", "- Numbers in euros."),
    Edit(
        "AGENTS.md",
        "<!-- End of what `poe level` writes. -->\n",
        "<!-- End of what `poe level` writes. -->\n\nOur end.\n",
    ),
    Edit(".github/workflows/template-update.yml", 'cron: "23 5 * * 1"', 'cron: "7 6 1 * *"'),
    Edit("docs/levels/0.md", "## Map", "Ask Ada first.\n\n## Map"),
    Edit("pyproject.toml", '    "pandas>=2.2,<3.1",', '    "httpx>=0.28",\n    "pandas>=2.2,<3.1",'),
    Edit("pyproject.toml", 'version = "0.1.0"', 'version = "1.4.2"'),
    Edit("pyproject.toml", "line-length = 120", "line-length = 100"),
    Edit("pyproject.toml", "[tool.poe.tasks]", '[tool.poe.tasks]\nours = "echo ours"'),
    Edit("pyproject.toml", "[dependency-groups]\n", '[dependency-groups]\nours = ["requests>=2.32"]\n'),
    Edit("pyproject.toml", '{ include-group = "tools" },', '{ include-group = "tools" },\n    "pytest-cov>=7",'),
    Edit("pyproject.toml", '    "pytest>=9",', '    "pytest>=9.1",'),
    Edit("params.yaml", "seed: 7", "seed: 11"),
    Edit("tasks/level-0.toml", 'help = "Run the tests', 'help = "Run all our tests'),
    Edit(".gitignore", "# Secrets", "/ours/\n\n# Secrets"),
    Edit(".pre-commit-config.yaml", "--maxkb=1024", "--maxkb=4096"),
    Edit(".github/CODEOWNERS", "* @", "/docs/ @writers\n* @"),
    Edit(".github/pull_request_template.md", "## Review", "## Ticket\n\n## Review"),
    Edit("src/customer_churn/pipeline/gate.py", 'PLACE = "params.yaml: gate"', 'PLACE = "params.yaml: gate"  # ours'),
    Edit("dvc.yaml", "  register:", "  ours:\n    cmd: echo ours\n    outs: [ours.txt]\n\n  register:"),
    Edit("config/tracking.yaml", "purpose: production", "purpose: tuning"),
    Edit("config/governance.yaml", "four_eyes: false", "four_eyes: true"),
    Edit(".dvc/config", "    remote = ", "    autostage = true\n    remote = "),
    Edit("docs/runbooks/incident.md", "## Follow-up", "Ring Ada, who has the keys.\n\n## Follow-up"),
    Edit("docs/team.md", "| **Operate** (on call)", "| **Operate** (on call: team blue)"),
    Edit("docs/experiments.md", "## Rules\n", "## Rules\n\n- Ask before you use the big machine.\n"),
    Edit("compose.yaml", "postgres:17.5-bookworm", "postgres:17.6-bookworm"),
    Edit("compose.yaml", "volumes:\n  postgres: {}", "volumes:\n  ours: {}\n  postgres: {}"),
    Edit("deploy/base/deployment.yaml", "memory: 1Gi", "memory: 4Gi"),
    Edit("deploy/base/autoscaler.yaml", "maxReplicas: ", "maxReplicas: 1"),
    Edit("deploy/overlays/production/image/kustomization.yaml", "newTag: main", "newTag: v1.4.2"),
    Edit(
        "monitoring/rules/model-server.yaml",
        "        - alert: ModelNotReady",
        "        - alert: Ours\n        - alert: ModelNotReady",
    ),
    Edit("monitoring/rules/model-server.yaml", "> 0.01", "> 0.002"),
    Edit(
        "monitoring/kustomization.yaml",
        "  - rules/model-server.yaml\n",
        "  - rules/model-server.yaml\n  - rules/ours.yaml\n",
    ),
    Edit(".github/workflows/ci.yml", "      - run: uv run --locked poe hooks", "      - run: uv run --locked poe ours"),
    Edit(".github/workflows/cd.yml", "  workflow_dispatch:", "    tags: [v*]\n  workflow_dispatch:"),
    Edit("config/serving.yaml", "max_rows: 1000 ", "max_rows: 5000 "),
    Edit("Dockerfile", "USER 10001:10001", "RUN echo ours\nUSER 10001:10001"),
    Edit("tools/alerts.py", "import sys", "import sys  # ours"),
]


OWN = "src/customer_churn/ours.py"


def work(project: Project) -> list[Edit]:
    """Make all edits for which there is a file, and one at the end of each managed file; rewrite the seeds; add a file.

    Return the edits that were made.
    """
    made = [edit for edit in EDITS if (project.path / edit.path).exists()]
    for edit in made:
        text = project.text(edit.path)
        assert text.count(edit.old) == 1, f"{edit.path} has {text.count(edit.old)} times: {edit.old}"
        (project.path / edit.path).write_text(text.replace(edit.old, edit.new))
    for path in project.files():
        if path not in SHARED and not is_seed(path):
            (project.path / path).write_text(f"{project.text(path)}# Ours, at the end\n")
    for path in seeds(project):
        (project.path / path).write_text("# Rewritten\n")
    (project.path / OWN).write_text("OURS = 1\n")
    commit(project, "A year of work")
    return made


def seeds(project: Project) -> list[str]:
    """Return the seeds but for those that are edited."""
    return [path for path in project.files() if is_seed(path) and path not in {edit.path for edit in EDITS}]


def lost(project: Project, made: Iterable[Edit]) -> list[str]:
    """Return the lines of edits that are nowhere in their file."""
    return [
        f"{edit.path}: {line}"
        for edit in made
        for line in edit.new.splitlines()
        if line not in edit.old.splitlines() and line not in project.text(edit.path)
    ]


def test_there_is_a_file_for_each_edit(render):
    assert {edit.path for edit in EDITS} <= set(render(maturity_level=levels()[-1]).files())


@each_raise_of(kinds)
def test_edits_of_a_year_are_all_in_their_place(lived_in, render, low, high, kind):
    project = lived_in(low, **kind)
    made = work(project)
    files, conflicts = expected(
        tree(project), tree(render(maturity_level=low, **kind)), tree(render(maturity_level=high, **kind))
    )
    asked_later = {name: answer for name, answer in kind.items() if name not in project.answers}
    assert lift(project, high, **asked_later).conflicts == conflicts == []
    assert lost(project, made) == []
    assert difference(tree(project), files) == ""


@pytest.mark.parametrize("version", [LATER, MUCH_LATER])
@each_level_of_each_kind
def test_next_version_changes_each_file_and_keeps_the_edits_of_a_year(render_version, tmp_path, level, version, kind):
    """Conflicts are shown where both wrote the same lines or lines next to each other, and nowhere else."""
    old = render_version(NOW, maturity_level=level, **kind)
    project = repository(old, tmp_path / "project")
    made = work(project)
    new = render_version(version, maturity_level=level, **kind)
    files, conflicts = expected(tree(project), tree(old), tree(new))
    as_before = [path for path in old.files() if not is_seed(path) and old.text(path) == new.text(path)]
    if version == LATER:
        assert [path for path in as_before if MANAGED in old.text(path).partition("\n")[0]] == []
    else:
        short = {"deploy/levels/compose.yaml"} | ({"deploy/levels/kustomization.yaml"} if level == 1 else set())
        assert {*as_before} == short & {*old.files()}, "they have fewer than five lines at this level"
    assert lift(project, version=version).conflicts == conflicts
    if version == LATER:
        assert conflicts == []
    assert lost(project, made) == []
    for path in conflicts:
        assert path in SHARED or "# Ours, at the end" in project.text(path)
        added = set(new.text(path).splitlines()) - set(old.text(path).splitlines())
        assert added <= set(project.text(path).splitlines())
    found = tree(project)
    assert difference({path: found[path] for path in found if path not in conflicts},
                      {path: files[path] for path in files if path not in conflicts}) == ""  # fmt: skip


@each_step
def test_deleted_seeds_and_files_stay_away(lived_in, low, high):
    project = lived_in(low)
    gone = [*seeds(project), "docs/levels/0.md"]
    for path in gone:
        (project.path / path).unlink()
    commit(project, "We do not need these")
    assert lift(project, high).conflicts == []
    assert [path for path in gone if (project.path / path).exists()] == []


@each_step
def test_renamed_package_is_lifted_under_its_new_name(lived_in, render, low, high):
    project = lived_in(low)
    git("mv", "src/customer_churn", "src/loyalty", folder=project.path)
    model = project.path / "src/loyalty/modeling/model.py"
    model.write_text("# Rewritten\n")
    commit(project, "Rename")
    lifted = lift(project, high, package_name="loyalty")
    assert lifted.conflicts == []
    expected = tree(render(maturity_level=high, package_name="loyalty"))
    expected["src/loyalty/modeling/model.py"] = b"# Rewritten\n"
    kept = {path for path in project.files() if is_seed(path) and not path.startswith("src/")}
    found = tree(project)
    assert difference({path: text for path, text in found.items() if path not in kept},
                      {path: text for path, text in expected.items() if path not in kept}) == ""  # fmt: skip


def test_edits_of_a_renamed_package_are_kept_by_the_next_version(render_version, tmp_path):
    level = levels()[-1]
    project = repository(render_version(NOW, maturity_level=level), tmp_path / "project")
    git("mv", "src/customer_churn", "src/loyalty", folder=project.path)
    commit(project, "Rename")
    assert lift(project, package_name="loyalty").conflicts == []
    commit(project, "Record the name")
    gate = project.path / "src/loyalty/pipeline/gate.py"
    gate.write_text(gate.read_text().replace('PLACE = "params.yaml: gate"', 'PLACE = "params.yaml: gate"  # ours'))
    commit(project, "Edit")
    answers = {"maturity_level": level, "package_name": "loyalty"}
    files, conflicts = expected(
        tree(project), tree(render_version(NOW, **answers)), tree(render_version(LATER, **answers))
    )
    assert lift(project, version=LATER).conflicts == conflicts == []
    assert "# ours" in gate.read_text()
    assert "# New\n" in gate.read_text()
    assert difference(tree(project), files) == ""


@each_step
def test_own_file_where_the_level_adds_one(lived_in, render, low, high):
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
    line = '    "level-0.toml",\n'
    text = project.text("tasks/levels.toml")
    (project.path / "tasks/levels.toml").write_text(text.replace(line, f'    "ours.toml",\n{line}'))
    commit(project, "Our own tasks, in the block that belongs to the level")
    assert lift(project, 1).conflicts == ["tasks/levels.toml"]
    assert '"ours.toml"' in project.text("tasks/levels.toml")
    assert '"level-1.toml"' in project.text("tasks/levels.toml")
