"""What a project needs in Git is committed, whatever a personal ignore file has."""

import subprocess

import pytest
from harness.template import levels

NEEDED = [
    "uv.lock",
    "dvc.lock",
    "reports/metrics.json",
    "reports/drills/drift.json",
    "config/signing/1.pem",
    "data/loans.csv.dvc",
    ".env.example",
    "AGENTS.md",
    ".devcontainer/devcontainer.json",
    ".vscode/settings.json",
    ".vscode/extensions.json",
    ".vscode/tasks.json",
]
IGNORED = ["reports/run.json", "reports/index.html", "data/raw.parquet", "models/inputs.json", ".env"]
IGNORED += ["src/customer_churn/core/__pycache__/io.pyc"]


@pytest.mark.parametrize(
    "pattern",
    [
        "*.lock",
        "*.json",
        "*.pem",
        "reports/",
        "data/",
        ".env*",
        ".vscode/",
        "core",
        "[Aa][Gg]*\nCLAUDE.md\n.devcontainer",
    ],
)
def test_personal_ignore_file_leaves_nothing_out_that_a_clone_needs(render, tmp_path, pattern):
    project = render(maturity_level=levels()[-1])
    needed = {*NEEDED, *project.files()}
    (tmp_path / ".gitignore").write_text(project.text(".gitignore"))
    (tmp_path / "personal").write_text(f"{pattern}\n")
    git = ["git", "-c", f"core.excludesFile={tmp_path / 'personal'}"]
    subprocess.run([*git, "init", "--quiet"], cwd=tmp_path, check=True)
    for path in needed.difference([".gitignore"]).union(IGNORED):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    command = [*git, "check-ignore", *needed, *IGNORED]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.split()
    assert sorted(found) == sorted(IGNORED)
