"""What is rendered: the right files, each of them well-formed, for every option."""

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from allpairspy import AllPairs
from harness.capabilities import capabilities
from harness.projects import models
from harness.template import ROOT, Project, left_to_fill_in, levels, options, visible_questions
from mlops import catalogue, package_name_problem

GOLDEN = ROOT / "tests" / "render" / "golden"
BINARY = {".png", ".ico"}


def main_answers() -> list[dict[str, Any]]:
    """Return all levels with all kinds of models."""
    names = ("maturity_level", "problem_type", "framework")
    return [dict(zip(names, values, strict=True)) for values in product(*(options()[name] for name in names))]


def pairwise_answers() -> list[dict[str, Any]]:
    """Return answers in which each two options of any two questions occur together."""
    return [dict(zip(options(), row, strict=True)) for row in AllPairs(list(options().values()))]


def named(answers: dict[str, Any]) -> str:
    return "-".join(map(str, answers.values()))


each_main_render = pytest.mark.parametrize("answers", main_answers(), ids=named)
ALL_ANSWERS = [*main_answers(), *(answers for answers in pairwise_answers() if answers not in main_answers())]
each_render = pytest.mark.parametrize("answers", ALL_ANSWERS, ids=named)
each_level = pytest.mark.parametrize("level", levels())


class Golden:
    """The files of one level by default, and below a `[question=answer]` what another answer adds (+) or leaves out (-).

    `[question=answer, question=answer]` is what both together change beyond that.
    """

    def __init__(self, level: int) -> None:
        self.path = GOLDEN / f"level-{level}.txt"
        self.level = level

    def expected(self, answers: dict[str, Any]) -> list[str]:
        """Return the files of a project with `answers`."""
        files, wanted = set(), True
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            if line.startswith("["):
                conditions = [each.partition("=") for each in line.strip("[]").split(", ")]
                wanted = all(str(answers.get(question)) == answer for question, _, answer in conditions)
            elif wanted and line.startswith("- "):
                files.discard(line[2:])
            elif wanted:
                files.add(line.removeprefix("+ "))
        return sorted(files)

    def update(self, render: Callable[..., Project]) -> None:
        """Write the list: the default project by capability, then what each other option alone changes."""
        default = render(maturity_level=self.level)
        lines = []
        for each in capabilities():
            if files := [path for path in default.files() if each.level <= self.level and each.owns(path)]:
                lines += [f"# {each.level} {each.name}", *files]
        for question, values in options().items():
            for value in values[1:]:
                if question != "maturity_level" and question in default.answers:
                    lines += self._changes(question, value, default, render)
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for model in models():
            project = render(maturity_level=self.level, **model)
            expected, found = set(self.expected(project.answers)), set(project.files())
            if changes := [
                *(f"- {path}" for path in sorted(expected - found)),
                *(f"+ {path}" for path in found - expected),
            ]:
                lines += [f"[{', '.join(f'{question}={answer}' for question, answer in model.items())}]", *changes]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _changes(self, question: str, value: Any, default: Project, render: Callable[..., Project]) -> list[str]:
        before = set(default.files())
        after = set(render(maturity_level=self.level, **{question: value}).files())
        lines = [*(f"- {path}" for path in sorted(before - after)), *(f"+ {path}" for path in sorted(after - before))]
        return [f"[{question}={value}]", *lines] if lines else []


@pytest.fixture(scope="session", autouse=True)
def _golden_lists(request: pytest.FixtureRequest, render: Callable[..., Project]) -> None:
    if request.config.getoption("--update-golden"):
        for level in levels():
            Golden(level).update(render)


@each_render
def test_project_has_exactly_the_files_of_its_level_and_options(render, answers):
    project = render(**answers)
    assert project.files() == Golden(answers["maturity_level"]).expected(project.answers)


def texts(project: Project) -> Iterator[tuple[str, str]]:
    """Yield path and content of each text file."""
    for path in project.files():
        if Path(path).suffix not in BINARY:
            yield path, (project.path / path).read_bytes().decode()


@each_render
def test_nothing_is_left_to_fill_in(render, answers):
    for path, text in texts(render(**answers)):
        assert path.endswith(".j2") or left_to_fill_in(text) == [], path


@each_render
def test_text_ends_lines_as_editors_and_git_want_it(render, answers):
    for path, text in texts(render(**answers)):
        assert "\r" not in text, path
        assert text == "" or text.endswith("\n"), f"{path} has no newline at its end"
        assert not text.endswith("\n\n"), f"{path} has blank lines at its end"
        assert re.findall(r"^.*[ \t]+$", text, re.MULTILINE) == [], f"{path} has spaces at the end of a line"


def parse(path: str, text: str) -> None:
    """Raise an exception unless `text` is of the language of the suffix of `path`."""
    match Path(path).suffix:
        case ".py":
            compile(text, path, "exec")
        case ".yaml" | ".yml":
            assert list(yaml.safe_load_all(text)), "no document"
        case ".toml":
            tomllib.loads(text)
        case ".json" | ".ipynb":
            json.loads(text)
        case ".md":
            assert text.strip(), "empty"


@each_render
def test_every_file_parses(render, subtests, answers):
    for path, text in texts(render(**answers)):
        with subtests.test(path):
            parse(path, text)


def test_short_name_of_digits_is_a_text_in_every_file(render):
    project = render(maturity_level=3, project_slug="2026", package_name="on_call")
    for path in [*project.path.rglob("*.yaml"), *project.path.rglob("*.yml")]:
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            assert 2026 not in leaves(document), path


def leaves(value: Any) -> list[Any]:
    """Return the single values of a document."""
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if nested is None else [leaf for each in nested for leaf in leaves(each)]


@pytest.fixture(scope="module")
def distinct(render: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with each file, of any answers from level 1 on, once for each of its contents."""
    folder = tmp_path_factory.mktemp("distinct")
    for answers in ALL_ANSWERS:
        if answers["maturity_level"] >= 1:
            for path, text in texts(render(**answers)):
                target = folder / path / sha256(text.encode()).hexdigest()[:8] / Path(path).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
    return folder


def test_hook_for_secrets_takes_no_line_of_a_new_project_for_one(render, distinct):
    """CI runs the hooks on all files, comments included."""
    hooks = yaml.safe_load(render(maturity_level=1).text(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    (hook,) = (each for each in hooks if each["id"] == "detect-secrets")
    (package,) = (each for each in hook["additional_dependencies"] if each.startswith("detect-secrets="))
    files = [path for path in distinct.rglob("*") if path.is_file()]
    command = ["uvx", "--quiet", "--from", package, *shlex.split(hook["entry"]), *files]
    done = subprocess.run(command, cwd=distinct, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each_render
@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_python_is_in_the_style_of_the_project(render, answers, command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache"]
    done = subprocess.run(ruff, cwd=render(**answers).path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imported(project: Project) -> Iterator[str]:
    """Yield the name of each package, other than Python's and the project's own, that a module of a project imports."""
    modules = [path for path in project.path.rglob("*.py") if ".venv" not in path.parts]
    own = {project.answers["package_name"], *(path.stem for path in modules), *sys.stdlib_module_names}
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            yield from {str(name).partition(".")[0] for name in named} - own


@each_render
def test_no_package_can_have_the_name_of_one_that_it_imports(render, answers):
    allowed = {name for name in imported(render(**answers)) if not package_name_problem(name)}
    assert not allowed, "DEPENDENCIES in extensions/mlops.py lacks them"


@each_main_render
def test_answers_file_records_what_was_answered_and_which_level_was_reached(render, answers):
    project = render(**answers)
    recorded = yaml.safe_load(project.text(".copier-answers.yml"))
    assert recorded["applied_level"] == answers["maturity_level"]
    assert answers.items() <= recorded.items()
    assert recorded["_commit"] == "v999.0.0"


@each_main_render
def test_readme_names_only_files_and_tasks_that_there_are(render, answers):
    project = render(**answers)
    readme = project.text("README.md")
    assert set(re.findall(r"uv run poe ([a-z][\w-]*)", readme)) <= project.tasks().keys()
    for name in re.findall(r"`((?:src|docs|notebooks|expectations|tests|tasks)/[\w./-]+\w)`", readme):
        assert (project.path / name).exists(), f"README names {name}"


@each_level
def test_catalogue_promises_only_tasks_that_there_are(render, level):
    tasks = render(maturity_level=level).tasks().keys()
    promised = catalogue()["levels"][level]
    assert promised["first_task"] in tasks
    assert {capability["task"] for capability in promised["capabilities"] if "task" in capability} <= tasks


@pytest.mark.parametrize(("level", "most"), [(0, 9), (1, 15), (2, 18)])
def test_few_questions_are_asked(render, level, most):
    assert len(render(maturity_level=level).answers) <= most


@pytest.mark.parametrize("name", visible_questions())
def test_question_explains_itself_and_has_a_default(name):
    question = visible_questions()[name]
    assert question["help"].strip().partition("\n")[0].endswith("?")
    assert question.get("default") is not None


@each_level
def test_message_lists_first_steps(copy, capfd, level):
    assert copy(maturity_level=level).exit_code == 0
    steps = [line.strip() for line in message_in(capfd.readouterr().err) if line.startswith("  ")]
    assert [step.split()[0] for step in steps] == ["cd", "git", "uv", "git", "uv"]
    assert steps[-1] == f"uv run poe {catalogue()['levels'][level]['first_task']}"


def test_message_names_no_git_init_inside_a_repository(copy, capfd, copie_session):
    (copie_session.test_dir / ".git").mkdir()
    try:
        copy()
    finally:
        (copie_session.test_dir / ".git").rmdir()
    text = "\n".join(message_in(capfd.readouterr().err))
    assert "git init" not in text
    assert "git commit" in text


@each_level
def test_message_names_the_next_level_if_there_is_one(copy, capfd, level):
    copy(maturity_level=level)
    text = "\n".join(message_in(capfd.readouterr().err))
    assert re.findall(r"uv run poe level \d", text) == [f"uv run poe level {level + 1}"] * (level < max(levels()))


def message_in(printed: str) -> list[str]:
    """Return the lines of the message at the end of what Copier prints."""
    lines = printed.splitlines()
    start = next(number for number, line in enumerate(lines) if " is ready at level " in line)
    return lines[start:]
