"""What a project needs in Git is committed, whatever a personal ignore file has."""

import subprocess

import pytest

NEEDED = [
    "uv.lock",
    "dvc.lock",
    "reports/metrics.json",
    "reports/drills/drift.json",
    "monitoring/dashboards/model.json",
    "data/loans.csv.dvc",
    ".env.example",
    "AGENTS.md",
    ".devcontainer/devcontainer.json",
    ".vscode/settings.json",
    ".vscode/extensions.json",
    ".vscode/tasks.json",
]
IGNORED = ["reports/run.json", "reports/index.html", "data/raw.parquet", "models/inputs.json", ".env"]


@pytest.mark.parametrize(
    "pattern", ["*.lock", "*.json", "reports/", "data/", ".env*", ".vscode/", "[Aa][Gg]*\nCLAUDE.md\n.devcontainer"]
)
def test_personal_ignore_file_leaves_nothing_out_that_a_clone_needs(render, tmp_path, pattern):
    (tmp_path / ".gitignore").write_text(render(maturity_level=2).text(".gitignore"))
    (tmp_path / "personal").write_text(f"{pattern}\n")
    git = ["git", "-c", f"core.excludesFile={tmp_path / 'personal'}"]
    subprocess.run([*git, "init", "--quiet"], cwd=tmp_path, check=True)
    for path in (*NEEDED, *IGNORED):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    command = [*git, "check-ignore", *NEEDED, *IGNORED]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.split()
    assert sorted(found) == sorted(IGNORED)
