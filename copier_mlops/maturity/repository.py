"""A repository as the probes see it: its files, its dependencies, and what its tasks, workflows and pipelines run."""

import fnmatch
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from copier_mlops.errors import CommandError
from copier_mlops.git import git, paths

MAX_BYTES = 512 * 1024  # of a file that is read
MAX_TOTAL = 40 * 1024 * 1024  # of all: what is beyond is not known
SKIPPED = {"node_modules", "site-packages", "vendor", "third_party", "__pycache__", "dist-packages"}
NOT_THE_PRODUCT = {"test", "tests", "doc", "docs", "example", "examples", "testing"}
CODE = (".py", ".ipynb", ".r", ".R", ".jl", ".scala")
CONFIG = (".yaml", ".yml", ".toml", ".json", ".tf", ".cfg", ".ini")
# Where lines are that somebody, or some machine, runs.
WIRING = (
    *(".github/workflows/*.y*ml", ".gitlab-ci.yml", ".gitlab/*.yml", "*Jenkinsfile*", "*azure-pipelines*.y*ml"),
    *(".azure*/*.y*ml", ".circleci/config.yml", "bitbucket-pipelines.yml", ".travis.yml", ".drone.yml"),
    *(
        "buildspec*.yml",
        "cloudbuild*.y*ml",
        ".woodpecker*",
        "*Makefile",
        "*.mk",
        "*justfile",
        "*Taskfile.y*ml",
        "tox.ini",
        "noxfile.py",
    ),
    *("pyproject.toml", "pixi.toml", "package.json", "tasks/*.toml", "tasks.py", "dodo.py", "setup.cfg", "setup.py"),
    *("*dvc.yaml", "MLproject", "*Snakefile", "databricks.yml", "resources/*.yml", "*Dockerfile*", "*compose*.y*ml"),
    *("Procfile", "bentofile.yaml", "*entrypoint*.sh", "scripts/*.sh", "bin/*"),
)
READ_BY_PEOPLE = ("README*", "readme*", "docs/*.md")
# Code that a scheduler or a framework finds by where it is.
FOUND = ("dags/*.py", "*/dags/*.py", "flows/*.py", "*/flows/*.py", "*/pipeline_registry.py", "*plumber.R")
KEDRO = "[tool.kedro]"  # in pyproject.toml: it runs what is in src/
RUN = re.compile(r"-m[\s\"',]+([\w.]+)|([\w./-]+\.(?:py|ipynb|sh|R|r|jl))\b|\b([A-Za-z_][\w.]*):[A-Za-z_]\w*\b")
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([\w, ]+)|import[ \t]+([\w., ]+))|source\([\"']([^\"']+)",
    re.MULTILINE,
)
APPLIED = re.compile(
    r"\bkubectl\b.*\bapply\b|\bhelm (upgrade|install)\b|\bkustomize build\b|\b(terraform|tofu) apply\b|\bpulumi up\b|\bcdk deploy\b"
    r"|\b(sam|serverless|sls) deploy\b|\bdatabricks bundle deploy\b|\baz ml\b|\bgcloud (run|app|ai)\b|\bargocd app\b|\bflyctl deploy\b"
    r"|\beb deploy\b|\bskaffold run\b"
)
APPLIERS = re.compile(r"^kind: *(Application|ApplicationSet|HelmRelease|GitRepository)\b", re.MULTILINE)
ELSEWHERE = re.compile(  # what runs is in a file that is not here
    r"^\s*(?:-?\s*uses: *[\w.-]+/[\w.-]+/\.github/workflows/|-? *(?:project|remote|template): *['\"]?[\w./:-]+/)|@Library\(",
    re.MULTILINE,
)
COMMENT = re.compile(r"(?m)^[ \t]*#.*$|[ \t]#[ \t].*$|\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''")


class Line(NamedTuple):
    """A place in a file."""

    path: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}" if self.number else self.path


class Repository:
    """The files of a folder."""

    def __init__(self, root: Path) -> None:
        """Raise a CommandError if it is no folder."""
        self.root = root.resolve()
        if not self.root.is_dir():
            raise CommandError(f"{root} is no folder")
        self._texts: dict[str, str] = {}
        self._left = MAX_TOTAL
        self.unread: list[str] = []  # too large

    @cached_property
    def files(self) -> list[str]:
        """All paths that Git has or would add, or without Git all files; no links, nothing of other people's packages."""
        listed = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        found = self._walk() if listed is None else paths(listed)
        return sorted({path for path in found if not SKIPPED & {*path.split("/")} and self._is_file(path)})

    def _is_file(self, path: str) -> bool:
        try:
            return stat.S_ISREG(
                os.lstat(f"{self.root}/{path}").st_mode
            )  # nor does Git, or a walk, follow a linked folder
        except OSError:
            return False

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [
                name
                for name in folders
                if name not in SKIPPED | {".git"} and not Path(folder, name, "pyvenv.cfg").exists()
            ]
            for name in names:
                yield Path(folder, name).relative_to(self.root).as_posix()

    def _git(self, *arguments: str) -> str | None:
        """Return what Git prints, or None without Git or outside of a repository."""
        try:
            return git(self.root, *arguments)
        except (OSError, CommandError):
            return None

    def matching(self, patterns: Iterable[str], paths: Iterable[str] | None = None) -> list[str]:
        """Return the paths that match one of some globs, in which `*` also matches `/`; case does not matter."""
        globs = [f"(?:{fnmatch.translate(pattern.lower())})" for pattern in patterns]
        matches = re.compile("|".join(globs) or "(?!)").match  # with IGNORECASE it takes twice as long
        return [path for path in (self.files if paths is None else paths) if matches(path.lower())]

    def text(self, path: str) -> str:
        """Return a file as text, the code cells of a notebook; nothing if it is binary or too large."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str:
        try:
            size = os.stat(f"{self.root}/{path}").st_size
            if size > (8 * MAX_BYTES if path.endswith(".ipynb") else MAX_BYTES) or size > self._left:
                self.unread.append(path)
                return ""
            content = (self.root / path).read_bytes()
        except OSError:
            self.unread.append(path)
            return ""
        self._left -= len(content)
        if b"\0" in content[:8192]:
            return ""
        text = content.decode("utf-8", "replace")
        return _cells(text) if path.endswith(".ipynb") else text

    @cached_property
    def code(self) -> list[str]:
        """Paths of code, without tests, docs and examples."""
        return [path for path in self.files if path.endswith(CODE) and not NOT_THE_PRODUCT & {*path.split("/")[:-1]}]

    @cached_property
    def config(self) -> list[str]:
        """Paths of configuration, without tests, docs and examples."""
        return [path for path in self.files if path.endswith(CONFIG) and not NOT_THE_PRODUCT & {*path.split("/")[:-1]}]

    @cached_property
    def wiring(self) -> list[str]:
        """Paths of the files whose lines are run."""
        return self.matching(WIRING)

    @cached_property
    def applied(self) -> bool:
        """Whether a task or workflow, or a controller that reads this repository, applies manifests and infrastructure."""
        return any(self.search([APPLIED], self.wiring)) or any(
            APPLIERS.search(self.text(path)) for path in self.config if path.endswith((".yaml", ".yml"))
        )

    @cached_property
    def elsewhere(self) -> Line | None:
        """A line which says that what runs is described in another repository."""
        return next(self.search([ELSEWHERE], self.wiring), None)

    @cached_property
    def packages(self) -> dict[str, Line]:
        """Names of the declared dependencies, and where."""
        places = self.matching(
            ("*requirements*.txt", "*requirements/*.txt", "*pyproject.toml", "*Pipfile", "*environment*.y*ml")
        )
        places += self.matching(
            ("*conda*.y*ml", "*setup.py", "*setup.cfg", "*pixi.toml", "*MLproject", "*python_env.yaml")
        )
        found: dict[str, Line] = {}
        for path in places:
            for number, line in enumerate(self.text(path).splitlines(), 1):
                for name in _names(line.partition("#")[0]):
                    found.setdefault(name, Line(path, number, line.strip()))
        return found

    @cached_property
    def run(self) -> set[str]:
        """Paths of code that a task, a workflow, a pipeline or a scheduler runs, with what it imports."""
        return self._closure(self._entries(self.wiring) | {*self.matching(FOUND)} | self._of_frameworks())

    @cached_property
    def run_by_people(self) -> set[str]:
        """Paths of code that somebody runs by a command of the README, or that is run anyway."""
        mains = {path for path in self.code if path.endswith(".py") and "__main__" in self.text(path)}
        return self.run | self._closure(self._entries(self.matching(READ_BY_PEOPLE)) | mains)

    def _of_frameworks(self) -> set[str]:
        kedro = "pyproject.toml" in self._set and KEDRO in self.text("pyproject.toml")
        return {path for path in self.code if kedro and path.startswith("src/")}

    def _entries(self, places: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for path in places:
            for match in RUN.finditer(COMMENT.sub("", self.text(path)) if path.endswith(".py") else self.text(path)):
                module, script, object_ = match.groups()
                if script:
                    found |= self._script(script)
                elif name := module or object_:
                    found |= self._module(name, whole=bool(module))
        return found

    def _script(self, name: str) -> set[str]:
        name = name.lstrip("./")  # relative to whatever folder
        return {path for path in self.code if path == name or path.endswith(f"/{name}")}

    def _module(self, name: str, whole: bool) -> set[str]:
        """Return the files of a module; of a package that is run as such, whose plug-ins no import names, all files."""
        parts = name.split(".")
        files = {path for path in self.code if self._is_module(path, parts)}
        if len(parts) == 1 and not whole:
            return files
        tops = {path.rpartition("/".join(parts))[0] + parts[0] + "/" for path in files}
        tops |= {path.removesuffix("__init__.py") for path in files if path.endswith("/__init__.py")}
        packages = tuple(top for top in tops if f"{top}__init__.py" in self._set)
        return files | {path for path in self.code if path.startswith(packages)}

    @cached_property
    def _set(self) -> set[str]:
        return {*self.files}

    @staticmethod
    def _is_module(path: str, parts: list[str]) -> bool:
        bare = path.removesuffix(".py").removesuffix("/__init__").removesuffix("/__main__").split("/")
        return path.endswith(".py") and bare[-len(parts) :] == parts

    def _closure(self, entries: set[str]) -> set[str]:
        """Return files and what they import of this repository."""
        found, waiting = set(entries), [*entries]
        while waiting:
            for path in self._imports(waiting.pop()) - found:
                found.add(path)
                waiting.append(path)
        return found

    def _imports(self, path: str) -> set[str]:
        found: set[str] = set()
        for base, names, plain, sourced in IMPORT.findall(self.text(path)):
            if sourced:
                found |= self._script(sourced)
            imported = plain.split(",") if plain else [f"{base}.{one.strip()}" for one in names.split(",")]
            for name in imported:
                found |= self._imported(name.strip())
        return found

    def _imported(self, name: str) -> set[str]:
        """Return the files of the longest start of a dotted name that is a module here: its end may be an object."""
        parts = [part for part in name.split(".") if part]
        for length in range(len(parts), 0, -1):
            candidates = self._by_end.get(parts[length - 1], set())
            if modules := {path for path in candidates if self._is_module(path, parts[:length])}:
                return modules
        return set()

    @cached_property
    def _by_end(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path in self.code:
            bare = path.removesuffix(".py").removesuffix("/__init__").removesuffix("/__main__")
            found.setdefault(bare.rpartition("/")[2], set()).add(path)
        return found

    def search(self, patterns: Iterable[re.Pattern[str]], paths: Iterable[str]) -> Iterator[Line]:
        """Yield the first line of each file that matches one of some patterns; comments do not count."""
        for path in paths:
            text = self.text(path)
            has_comments = not path.endswith((".json", ".md"))
            places = (_place(pattern, text, has_comments) for pattern in patterns)
            if (place := next((one for one in places if one is not None), None)) is not None:
                number = text.count("\n", 0, place) + 1
                yield Line(path, number, text.splitlines()[number - 1].strip()[:160])

    def dated(self, path: str) -> str:
        """Return the day of the last commit of a file, or of its last change."""
        day = (self._git("log", "-1", "--format=%cs", "--", path) or "").strip()
        return day or datetime.fromtimestamp((self.root / path).stat().st_mtime, UTC).date().isoformat()


@cache
def _place(pattern: re.Pattern[str], text: str, has_comments: bool) -> int | None:
    """Return where a pattern matches, outside of comments and of imports of the same package, whose modules may be gone."""
    starts = (match.start() for match in pattern.finditer(text))
    return next((start for start in starts if not (has_comments and _is_hidden(start, text))), None)


def _is_hidden(start: int, text: str) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 :]
    return line.lstrip().startswith("from .") or any(one.start() <= start < one.end() for one in COMMENT.finditer(text))


def _cells(text: str) -> str:
    """Return the code of a notebook."""
    try:
        cells = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (ValueError, KeyError, TypeError):
        return ""


def _names(line: str) -> Iterator[str]:
    """Yield the names of the packages that a line of a file of dependencies declares."""
    quoted = re.findall(r"[\"']([^\"']+)[\"']", line)
    for text in [*quoted, line.strip().removeprefix("- ").strip(), line.partition("=")[0].strip().strip("\"'")]:
        try:
            requirement = Requirement(re.sub(r"(?<![=<>!~])=(?!=)", "==", text) if "==" not in text else text)
        except InvalidRequirement:
            continue
        yield canonicalize_name(requirement.name)
        yield from (f"{canonicalize_name(requirement.name)}[{extra}]" for extra in requirement.extras)
