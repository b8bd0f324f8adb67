"""What newcomers, coding agents and editors read of a project: it names only what there is, at each level."""

import gzip
import json
import re
import tomllib

import pytest
from harness.kube import SCHEMAS, lines
from harness.lifting import kinds
from harness.projects import bash_blocks, models
from harness.template import Project, levels
from jsonschema import Draft201909Validator
from mlops import catalogue
from packaging.specifiers import SpecifierSet

ANSWERS = [{"maturity_level": level, **kind} for level in levels() for kind in [*kinds(level), *models()[1:]]]
each_answer = pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: "-".join(map(str, answers.values())))
each_level = pytest.mark.parametrize("level", levels())
# Made by tasks or by the team, or named without their folder.
MADE = {"data/", "models/", "reports/", "mlruns/", "mlflow.db", "audit.db", "uv.lock", "dvc.lock", ".env"}
IN_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(md|py|toml|ya?ml|json|lock|db|parquet|html))|\.env")
BEGIN, END = "<!-- The rest is written by `poe level`. -->", "<!-- End of what `poe level` writes. -->"


def named_tasks(text: str) -> set[str]:
    """Return the tasks in a text, in code only."""
    code = "\n".join([*IN_CODE.findall(text), *bash_blocks(text)])
    return set(re.findall(r"\bpoe ([a-z][\w-]*)", code))


def missing(project: Project, text: str) -> list[str]:
    """Return the paths that a text names in code and that neither are in the project nor are made by a task."""
    names = [code for code in IN_CODE.findall(text) if PATH.fullmatch(code)]
    places = (project.path, project.package, project.modeling)
    is_there = {name: any((place / name).exists() for place in places) for name in names}
    return [name for name, found in is_there.items() if not found and not any(name.startswith(made) for made in MADE)]


@each_answer
def test_agents_read_only_of_tasks_and_paths_that_there_are(render, answers):
    project = render(**answers)
    text = project.text("AGENTS.md")
    assert named_tasks(text) <= project.tasks().keys()
    assert missing(project, text) == []
    assert len([code for code in IN_CODE.findall(text) if PATH.fullmatch(code)]) > 20
    assert bash_blocks(text) == ["uv sync\nuv run poe\n"]


@each_level
def test_agents_read_of_each_level_that_there_is_and_of_no_other(render, level):
    before, block = render(maturity_level=level).text("AGENTS.md").split(BEGIN)
    assert block.endswith(f"\n\n{END}\n")
    sections = re.split(r"^## ", block.removesuffix(f"{END}\n"), flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == [
        f"Level {each['number']}: {each['name']}" for each in catalogue()["levels"][: level + 1]
    ]
    for each, section in zip(catalogue()["levels"], sections, strict=False):
        tasks = {capability["task"] for capability in each["capabilities"] if "task" in capability}
        assert tasks <= named_tasks(section)
    assert before == render(maturity_level=0).text("AGENTS.md").split(BEGIN)[0]


def test_this_finds_a_task_and_a_path_that_there_are_not(render):
    project = render(maturity_level=0)
    text = "Run `uv run poe pipelin` and edit `config/governance.yaml`, `params.yml` or `docs/`."
    assert named_tasks(text) - project.tasks().keys() == {"pipelin"}
    assert missing(project, text) == ["config/governance.yaml", "params.yml"]


@pytest.mark.parametrize("name", ["Customer churn", 'On "call": 2026'])
def test_dev_container_matches_its_schema_and_does_the_first_step_of_the_readme(render, name):
    project = render(maturity_level=0, project_name=name, project_slug="churn")
    container = project.json(".devcontainer/devcontainer.json")
    text = gzip.decompress((SCHEMAS / "devcontainer.json.gz").read_bytes())
    schema = Draft201909Validator(json.loads(text))
    assert lines(schema.iter_errors(container)) == []
    assert lines(schema.iter_errors({**container, "postCreateCommands": ""})) != []
    assert container["name"] == name
    assert container["postCreateCommand"] == bash_blocks(project.text("README.md"))[0].splitlines()[0]
    extensions = project.json(".vscode/extensions.json")["recommendations"]
    assert container["customizations"]["vscode"]["extensions"] == extensions


def test_dev_container_has_the_uv_and_the_python_of_the_image(render):
    project = render(maturity_level=1)
    uv, python = re.findall(
        r"^FROM \S+?:(\d+\.\d+(?:\.\d+)?)\S* AS (?:uv|python)$", project.text("Dockerfile"), re.MULTILINE
    )
    image = project.json(".devcontainer/devcontainer.json")["image"]
    assert image == f"ghcr.io/astral-sh/uv:{uv}-python{python}-trixie"
    accepted = tomllib.loads(project.text("pyproject.toml"))["project"]["requires-python"]
    assert SpecifierSet(accepted).contains(python)


def test_tasks_of_vs_code_are_tasks_of_the_project(render):
    project = render(maturity_level=0)
    tasks = project.json(".vscode/tasks.json")
    inputs = {f"${{input:{each['id']}}}" for each in tasks["inputs"]}
    for task in tasks["tasks"]:
        uv, run, poe, name = task["command"].split()
        assert (task["type"], uv, run, poe) == ("shell", "uv", "run", "poe")
        assert name in {*project.tasks(), *inputs}
    defaults = [task["group"]["kind"] for task in tasks["tasks"] if task.get("group", {}).get("isDefault")]
    assert sorted(defaults) == ["build", "test"]
    settings = project.json(".vscode/settings.json")
    formatter = settings["[python]"]["editor.defaultFormatter"]
    assert formatter in project.json(".vscode/extensions.json")["recommendations"]


def terms_of(project: Project, level: int) -> list[str]:
    """Return the terms that the glossary of a level explains."""
    return re.findall(r"^\| \*\*(.*?)\*\* \| .* \|$", project.text(f"docs/glossary/{level}.md"), re.MULTILINE)


@each_level
def test_each_term_of_the_glossary_occurs_in_the_files_of_its_level(render, level):
    project = render(maturity_level=level)
    lower = render(maturity_level=level - 1).files() if level else []
    own = [path for path in project.files() if path not in lower and not path.startswith("docs/glossary/")]
    text = "\n".join(project.text(path) for path in own).casefold()
    terms = terms_of(project, level)
    assert len(terms) > 10
    assert terms == sorted(terms, key=str.casefold)
    unused = [term for term in terms if not re.search(rf"\b{re.escape(term.casefold())}", text)]
    assert unused == []


@each_level
def test_pages_of_newcomers_name_only_tasks_and_paths_that_there_are(render, level):
    project = render(maturity_level=level)
    pages = [f"docs/glossary/{level}.md", f"docs/levels/{level}.md", "docs/my-first-change.md"]
    for page in pages if level == 0 else [*pages, "docs/first-day.md"]:
        text = project.text(page)
        assert named_tasks(text) <= project.tasks().keys(), page
        assert missing(project, text) == [], page
        for link in re.findall(r"\]\((?!https:)([\w./-]+)", text):
            target = (project.path / page).parent / link
            assert target.exists() or target.with_suffix(".md").exists(), f"{page} links {link}"


def test_terms_are_explained_once(render):
    project = render(maturity_level=levels()[-1])
    terms = [term for level in levels() for term in terms_of(project, level)]
    assert len(terms) == len(set(terms))


@each_level
def test_each_level_has_questions_and_where_their_answers_go(render, level):
    text = render(maturity_level=level).text(f"docs/levels/{level}.md")
    section = text.partition("\n## Questions first\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*\?) \| (.*) \|$", section, re.MULTILINE)
    assert 5 <= len(rows) <= 8
    assert all("`" in place or "](" in place for _, place in rows)
