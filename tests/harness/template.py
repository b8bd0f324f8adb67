"""What the tests share: the sources of the template, its questions, and a rendered project to run commands in."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from subprocess import CompletedProcess
from typing import Any

import mlops
import yaml
from jinja2 import Environment
from jinja2.defaults import DEFAULT_NAMESPACE
from pathspec import PathSpec

from harness import forks

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template"
ANSWERS_FILE = ".copier-answers.yml"
# Files that every level writes to, between two anchor comments: neither a seed nor managed as a whole.
SHARED = {
    ANSWERS_FILE,
    "AGENTS.md",
    "pyproject.toml",
    "tasks/levels.toml",
    "deploy/levels/compose.yaml",
    "deploy/levels/kustomization.yaml",
    "deploy/levels/production/kustomization.yaml",
    "monitoring/kustomization.yaml",
}
# What Copier, its migrations, and the answers of an earlier run add to questions and hidden values.
ALWAYS_THERE = {
    "_copier_answers",
    "_copier_conf",
    "_copier_operation",
    "_copier_phase",
    "_copier_python",
    "_folder_name",
    "_stage",
    "applied_level",
}


@cache
def settings() -> dict[str, Any]:
    """Return copier.yml: settings begin with an underscore, all others are questions."""
    return yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def questions() -> dict[str, dict[str, Any]]:
    """Return the questions and hidden values by name."""
    return {name: question for name, question in settings().items() if not name.startswith("_")}


def visible_questions() -> dict[str, dict[str, Any]]:
    """Return the questions that are asked, at least at some level."""
    return {name: question for name, question in questions().items() if question.get("when") is not False}


def options() -> dict[str, list[Any]]:
    """Return what can be answered to each question that has a limited choice, the default first."""
    found = {}
    for name, question in visible_questions().items():
        if question["type"] == "bool":
            values: list[Any] = [True, False]
        elif "choices" in question:
            values = _choices(question["choices"])
        else:
            continue
        if question.get("multiselect"):
            values = [[], *([value] for value in values), values]
        default = question.get("default", [])
        found[name] = sorted(values, key=lambda value, default=default: value != default)
    return found


def chosen(answers: dict[str, Any]) -> dict[str, Any]:
    """Return those of the answers that differ from the defaults, which render the same project.

    The level is always one of them: its default depends on the level that a project has.
    """
    defaults = {name: values[0] for name, values in options().items() if name != "maturity_level"}
    return {name: value for name, value in answers.items() if name not in defaults or value != defaults[name]}


def options_at(level: int) -> dict[str, list[Any]]:
    """Return what can be answered at a level to each of its questions that has a limited choice, but for the level."""
    found = options()
    answers = {**{name: values[0] for name, values in found.items()}, "maturity_level": level}
    asked = {
        name: environment().from_string(str(question.get("when", True))).render(answers) == "True"
        for name, question in visible_questions().items()
    }
    return {name: values for name, values in found.items() if asked[name] and name != "maturity_level"}


def _choices(choices: dict[str, Any] | list[Any]) -> list[Any]:
    values = choices.values() if isinstance(choices, dict) else choices
    return [value["value"] if isinstance(value, dict) else value for value in values]


def levels() -> list[int]:
    """Return the numbers of the levels that can be chosen."""
    return [level["number"] for level in mlops.catalogue()["levels"] if level["released"]]


@cache
def environment() -> Environment:
    """Return a Jinja environment that reads the sources as Copier does."""
    return Environment(
        line_statement_prefix=settings()["_envops"]["line_statement_prefix"],
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension", mlops.Mlops],
        keep_trailing_newline=True,
    )


def known_names() -> set[str]:
    """Return the names that a template may use."""
    return {*questions(), *ALWAYS_THERE, *environment().globals}


def left_to_fill_in(text: str) -> list[str]:
    """Return what Jinja would still fill in; the doubled braces of a format string, workflow or dashboard are none of it."""
    filled_in = re.finditer(r"(?<!\$)\{\{[^{}\n]*\}\}", text)
    known = known_names() - DEFAULT_NAMESPACE.keys()
    names = [match[0] for match in filled_in if set(re.findall(r"\w+", match[0])) & known]
    return names + re.findall(r"\{%.*?%\}|^[ \t]*#%.*$", text, re.MULTILINE)


@cache
def repository_files() -> list[PurePosixPath]:
    """Return the files of this repository that Git tracks or would add."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    return sorted(PurePosixPath(path) for path in set(listed) if path and (ROOT / path).is_file())


def sources(*suffixes: str) -> list[Path]:
    """Return the files below template/, or those with one of `suffixes`."""
    paths = (ROOT / path for path in repository_files() if path.parts[0] == TEMPLATE.name)
    return [path for path in paths if not suffixes or path.suffix in suffixes]


def relative(path: Path) -> str:
    """Return `path` as it is seen from the root of this repository: a short name for a test."""
    return path.relative_to(ROOT).as_posix()


def destination(source: Path) -> str:
    """Return where `source` is rendered to: overlay folders fall away, and the package gets its default name."""
    parts = source.relative_to(TEMPLATE).as_posix().removesuffix(".jinja")
    parts = parts.replace("{{ _copier_conf.answers_file }}", ANSWERS_FILE).replace("{{ package_name }}", "churn")
    return re.sub(r"\{\{ \w+ \}\}/", "", parts)


def seed_patterns() -> list[str]:
    """Return the patterns of all files that an update never touches once their level was reached."""
    (block,) = settings()["_exclude"]
    text = environment().from_string(block).render(keep_seeds=True, applied_level=max(levels()))
    return [line.strip() for line in text.splitlines() if line.strip()]


def is_seed(path: str) -> bool:
    """Return whether the file that is rendered to `path` belongs to the team once it has arrived."""
    return PathSpec.from_lines("gitignore", seed_patterns()).match_file(path)


def git(*arguments: str | Path, folder: Path) -> str:
    """Run Git in `folder` and return its output."""
    command = ["git", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def clean_environment() -> dict[str, str]:
    """Return the environment for a project of its own: without what belongs to the tests' own one."""
    unwanted = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "UV_PROJECT_ENVIRONMENT", "UV_LOCKED"}
    unwanted |= {name for name in os.environ if name.startswith(("DVC_", "MLFLOW_", "PYTEST"))}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    # Each project is installed with the Python of the tests, so that they can share environments.
    python = getattr(sys, "_base_executable", sys.executable)
    # On a busy machine threads wait for each other: on so little data one alone is always faster.
    return {"UV_PYTHON": python, "UV_PYTHON_DOWNLOADS": "never", "OMP_NUM_THREADS": "1", **kept}


@dataclass(frozen=True)
class Project:
    """A rendered project."""

    path: Path
    answers: dict[str, Any]

    @property
    def package(self) -> Path:
        """Return the folder of its Python package."""
        return self.path / "src" / self.answers["package_name"]

    @property
    def modeling(self) -> Path:
        """Return the folder of the team's own modules."""
        return self.package / "modeling"

    def files(self) -> list[str]:
        """Return the paths of its files, sorted; neither Git's nor those that Git ignores are of interest."""
        paths = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in paths if path.parts[0] not in {".git", ".venv"})

    def text(self, path: str) -> str:
        """Return the text of the file `path`."""
        return (self.path / path).read_text(encoding="utf-8")

    def json(self, path: str) -> Any:
        """Return the JSON value in the file `path`."""
        return json.loads(self.text(path))

    def run(self, *command: str | Path, rc: int | None = 0, **variables: str) -> CompletedProcess[str]:
        """Run a command in the project's folder; fail unless it exits with `rc` (None: anything goes)."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.path,
            env={**clean_environment(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return checked(done, rc)

    def tasks(self) -> dict[str, Any]:
        """Return the tasks of `poe`: the project's own win over those of levels, and a higher level over a lower one."""
        own = tomllib.loads(self.text("pyproject.toml"))["tool"]["poe"]
        (levels,) = own["include"]
        paths = tomllib.loads(self.text(levels))["tool"]["poe"]["include"]
        included = [tomllib.loads(self.text(f"tasks/{path}"))["tool"]["poe"] for path in paths]
        tables = [own, *included, *(group for poe in included for group in poe.get("groups", {}).values())]
        found: dict[str, Any] = {}
        for table in tables:
            found = {**table.get("tasks", {}), **found}
        return found

    def poe(self, task: str, *arguments: str, rc: int | None = 0, **variables: str) -> CompletedProcess[str]:
        """Run a task; one that is `python -m MODULE` runs as a fork, see forks.py."""
        found = forks.module_of(self.tasks().get(task))
        if found is None or (self.path / ".env").exists():
            return self.process(task, *arguments, rc=rc, **variables)
        module, first = found
        return self.fork(module=module, arguments=[*first, *arguments], rc=rc, **variables)

    def process(self, *arguments: str, rc: int | None = 0, **variables: str) -> CompletedProcess[str]:
        """Run a task as its users do, whatever it is."""
        return self.run("uv", "run", "poe", *arguments, rc=rc, **variables)

    def stages(self, *names: str, rc: int | None = 0) -> CompletedProcess[str]:
        """Run stages as DVC does."""
        return self.fork(module=self.answers["package_name"], arguments=[*names], rc=rc)

    def fork(self, *, rc: int | None = 0, **what: Any) -> CompletedProcess[str]:
        """Run a `module` or a `script` with `arguments` in the project's environment; all else are variables."""
        kinds = ("module", "script", "arguments")
        folder = self.path / ".venv"
        search = {"VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        variables = {name: value for name, value in what.items() if name not in kinds}
        command = {name: what[name] for name in kinds if name in what}
        environment = {**clean_environment(), **search, **variables}
        return checked(forks.forked(self.path, self.answers["package_name"], environment, **command), rc)

    def python(self, code: str) -> str:
        """Run `code` in the project's environment and return what it prints."""
        return self.run("uv", "run", "python", "-c", code).stdout.strip()

    def commit(self, subject: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", subject)


def checked(done: CompletedProcess[str], rc: int | None) -> CompletedProcess[str]:
    """Return what was run; fail unless it exited with `rc` (None: anything goes)."""
    words = " ".join(map(str, done.args))
    assert rc in {None, done.returncode}, f"`{words}` exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def strings(value: Any) -> Iterator[str]:
    """Yield all texts in `value`, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings([*value, *value.values()])
    elif isinstance(value, Iterable):
        for item in value:
            yield from strings(item)
