"""What people answer and where they render to: bad answers are refused with a reason, odd ones work."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from harness.quick_copier import QUICKLY
from harness.template import Project, git, levels

SSH = "git@git.example.com:octocat/churn.git"
each_level = pytest.mark.parametrize("level", levels())

UNICODE = {
    "project_name": 'Étude «Ça va» "O\'Neil" \\ 顧客',
    "project_description": "Says \"who\" leaves, at what 'cost' \\ and — in % and {braces} — why: #1 ✓",
    "author": 'José "Pépé" O\'Neil <jose@example.com>',
}


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("project_name", "", "use a Latin letter or a digit"),
        ("project_name", "顧客離反", "use a Latin letter or a digit"),
        ("project_slug", "Churn", "'Churn' is not a short name"),
        ("project_slug", "customer_churn", "'customer_churn' is not a short name"),
        ("project_slug", "-churn", "'-churn' is not a short name"),
        ("project_slug", "pandas", "'pandas' is a package that the project installs"),
        ("project_slug", "a" * 51, "use at most 50 characters"),
        ("package_name", "customer-churn", "'customer-churn' is not an importable name"),
        ("package_name", "2churn", "'2churn' is not an importable name"),
        ("package_name", "import", "'import' is a Python keyword"),
        ("package_name", "json", "'json' would hide Python's own module"),
        ("package_name", "mlflow", "'mlflow' would hide a package that the project imports"),
        ("project_description", "One line.\nAnd another.", "write one line of text"),
        ("project_description", "  ", "write one line of text"),
        ("author", "", "write Ada Lovelace <ada@example.com>: '' is not"),
        ("author", "<ada@example.com>", "write Ada Lovelace <ada@example.com>: "),
        ("owner", "", "'' is not a GitHub user or team"),
        ("owner", "my org/team", "'my org/team' is not a GitHub user or team"),
        ("owner", "@octocat", "'@octocat' is not a GitHub user or team"),
        ("repository_url", "git@github.com", "is not the address of a repository"),
        ("repository_url", "https://github.com", "is not the address of a repository"),
        ("data_remote", "ftp", "'ftp' is not in"),
        ("maturity_level", 7, "7 is not in"),
        ("maturity_level", "two", "two"),
        ("problem_type", "ranking", "'ranking' is not in"),
        ("framework", "torch", "'torch' is not in"),
    ],
)
def test_bad_answer_is_refused_with_its_reason(copy, question, answer, reason):
    result = copy(**{question: answer})
    assert result.exit_code == -1
    assert result.project_dir is None
    assert question in str(result.exception) or question == "maturity_level"
    assert reason in str(result.exception)


@pytest.mark.parametrize("problem_type", ["classification", "regression"])
@each_level
def test_names_in_any_script_and_with_quotes_stay_as_they_are(render, level, problem_type):
    project = render(maturity_level=level, problem_type=problem_type, **UNICODE)
    metadata = tomllib.loads(project.text("pyproject.toml"))["project"]
    assert metadata["description"] == UNICODE["project_description"]
    assert metadata["authors"] == [{"name": 'José "Pépé" O\'Neil', "email": "jose@example.com"}]
    assert project.text("README.md").startswith(f"# {UNICODE['project_name']}\n\n{UNICODE['project_description']}\n")
    assert yaml.safe_load(project.text(".copier-answers.yml")).items() >= UNICODE.items()


def test_second_line_of_a_name_is_no_line_of_code(render):
    project = render(maturity_level=0, project_name="Churn\nraise SystemExit")
    assert "# # Churn raise SystemExit: a first look\n" in project.text("notebooks/explore.py")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Pandas", "pandas-ml"),
        (
            "Predictive maintenance of the rotating equipment in all parks",
            "predictive-maintenance-of-the-rotating-equipment",
        ),
    ],
)
def test_default_of_the_short_name_suits_uv_and_kubernetes(render, name, slug):
    assert render(project_name=name).answers["project_slug"] == slug


def test_repository_that_git_reaches_by_ssh(render):
    project = render(maturity_level=1, repository_url=SSH)
    assert project.answers["repository_url"] == SSH
    assert f"repoURL: {SSH}\n" in project.text("deploy/argocd/applications.yaml")
    assert "git.example.com/octocat/churn:main" in project.text("tasks/level-1.toml")
    assert 'image.source="https://git.example.com/octocat/churn"' in project.text("Dockerfile")
    assert f"argocd repo add {SSH} --ssh-private-key-path KEY\n" in project.text("docs/runbooks/deploy.md")


@each_level
def test_files_with_names_in_any_script_and_with_quotes_parse(render, level):
    project = render(maturity_level=level, **UNICODE)
    assert project.package.name == "etude_ca_va_o_neil"
    for path in project.files():
        if path.endswith(".py"):
            compile(project.text(path), path, "exec")
        elif path.endswith((".yaml", ".yml")):
            list(yaml.safe_load_all(project.text(path)))
        elif path.endswith(".toml"):
            tomllib.loads(project.text(path))
        elif path.endswith(".json"):
            json.loads(project.text(path))


@pytest.mark.parametrize(
    "description",
    [
        'Says "who"',
        'Says """who"""',
        "Sorts into C:\\new",
        "Ends with \\",
        "Cafés \u2013 and \u201cothers\u201d",
        "Costs ${{ 3 }} {% raw %}",
    ],
)
def test_description_spoils_neither_code_nor_its_style(render, description):
    project = render(project_description=description)
    assert tomllib.loads(project.text("pyproject.toml"))["project"]["description"] == description
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache"]
        done = subprocess.run(ruff, cwd=project.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.fixture
def copier(template: Path, tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """Run `copier copy` as users do, with no terminal to ask at."""

    def copier(
        folder: Path, *, source: Path | str = template, python: Sequence[str] = QUICKLY, **variables: str
    ) -> CompletedProcess[str]:
        return subprocess.run(
            [*python, "-m", "copier", "copy", "--trust", "--defaults", "--vcs-ref=HEAD", source, folder],
            cwd=tmp_path,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return copier


def test_folder_may_have_spaces_and_accents(copier, tmp_path, render):
    done = copier(tmp_path / "My Projéct" / "the churn one", python=[sys.executable])
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "My Projéct" / "the churn one", {})
    assert project.files() == render().files()


def test_first_step_of_the_message_works_for_a_folder_with_spaces(copier, tmp_path):
    done = copier(tmp_path / "the churn one")
    step = next(line.strip() for line in done.stderr.splitlines() if line.strip().startswith("cd "))
    assert subprocess.run(["sh", "-c", step], cwd=tmp_path, check=False).returncode == 0


def test_files_that_are_there_are_not_lost(copier, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "README.md").write_text("# Mine\n")
    (folder / "notes.txt").write_text("Mine\n")
    done = copier(folder)
    assert done.returncode == 1
    assert "Consider using `--overwrite`" in done.stderr
    assert (folder / "README.md").read_text() == "# Mine\n"
    assert (folder / "notes.txt").read_text() == "Mine\n"


def test_repository_that_is_there_gets_files_and_nothing_is_committed(copier, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git("init", "--quiet", folder=folder)
    done = copier(folder)
    assert done.returncode == 0, done.stderr
    assert "git init" not in done.stderr
    assert {line[:2] for line in git("status", "--porcelain", folder=folder).splitlines()} == {"??"}


@pytest.mark.parametrize("kind", ["repository", "plain folder"])
def test_without_git_a_template_on_this_machine_renders_without_a_version(copier, template, tmp_path, render, kind):
    ignored = shutil.ignore_patterns(".git") if kind == "plain folder" else None
    source = shutil.copytree(template, tmp_path / "source", ignore=ignored)
    done = copier(tmp_path / "project", source=source, PATH="")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "project", {})
    assert project.files() == render().files()
    recorded = yaml.safe_load(project.text(".copier-answers.yml"))
    assert recorded["author"] == "The team"
    assert "_commit" not in recorded, "so no update and no `poe level` is possible"


def test_relative_path_of_the_template_is_recorded_as_an_absolute_one(copier, template, tmp_path):
    """Else no update would find it: Copier would look from the project's folder."""
    source = shutil.copytree(template, tmp_path / "source")
    done = copier(Path("project"), source="./source")
    assert done.returncode == 0, done.stderr
    recorded = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text())
    assert recorded["_src_path"] == str(source)


def test_without_git_a_template_elsewhere_is_refused(copier, tmp_path):
    done = copier(tmp_path / "project", source="https://example.com/copier-mlops.git", PATH="")
    assert done.returncode == 1
    assert "Local template must be a directory" in done.stderr, "Copier's message if there is no Git"
    assert not (tmp_path / "project").exists()
