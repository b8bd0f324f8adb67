"""Finds the code of a repository that the stages could call: what reads data, makes features, fits a model."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from copier_mlops.maturity.repository import Repository

MOST = 5  # of a kind
READS = re.compile(r"read_(csv|parquet|sql\w*|excel|json|table|feather|pickle|fwf|orc|stata|sas)|scan_\w+|load_dataset")
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)  # of a notebook


@dataclass(frozen=True)
class Kind:
    """A module of the template, and what marks code that belongs there."""

    module: str
    names: re.Pattern[str]  # of functions
    calls: re.Pattern[str]  # in a function, or at the top of a script or notebook


KINDS = (
    Kind("data.py", re.compile(r"(load|read|get|fetch|make|query|ingest)_?(\w*_)?(data|dataset|raw|table|frame|df|csv)s?$|ingest"), READS),
    Kind("features.py", re.compile(r"feature|preprocess|transform|encode|impute|clean|engineer"), re.compile(r"get_dummies|fillna")),
    Kind("model.py", re.compile(r"(train|fit|build|make|create|get)_?(\w*_)?(model|pipeline|estimator|classifier|regressor)$|^(train|fit)$"),
         re.compile(r"fit|\w+(Classifier|Regressor)|(Logistic|Linear)Regression|Ridge|Lasso|make_pipeline")),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A function, or a statement outside of one."""

    place: str
    code: str

    def __str__(self) -> str:
        return f"{self.place} {self.code}"


def found_in(repository: Repository) -> dict[str, list[Found]]:
    """Return what each module of the template could call, best first, at most `MOST` of a kind."""
    modules = [Code(path, repository.text(path)) for path in repository.code if path.endswith((".py", ".ipynb"))]
    return {kind.module: [one for part in parts(kind, modules) for one in part][:MOST] for kind in KINDS}


def parts(kind: Kind, modules: "list[Code]") -> Iterator[list[Found]]:
    """Yield functions by their name, functions by what they call, and statements of scripts and notebooks."""
    named = [one for code in modules for one in code.functions if kind.names.search(one.name)]
    others = [
        one for code in modules for one in code.functions if not any(each.names.search(one.name) for each in KINDS)
    ]
    calling = [one for one in others if one.calls(kind.calls)]
    yield [one.found for one in named]
    yield [one.found for one in calling]
    yield [one for code in modules for one in code.statements(kind.calls)]


@dataclass(frozen=True)
class Function:
    """A function at the top of a module, or a method."""

    path: str
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def found(self) -> Found:
        """Where it is, and how it is called."""
        return Found(f"{self.path}:{self.node.lineno}", f"{self.name}({ast.unparse(self.node.args)})")

    def calls(self, pattern: re.Pattern[str]) -> bool:
        """Return whether it calls something of a name."""
        return any(pattern.fullmatch(name) for name in called(self.node))


@dataclass(frozen=True)
class Code:
    """A module or notebook; one that is not valid Python 3 has nothing that could be called."""

    path: str
    text: str

    @cached_property
    def body(self) -> list[ast.stmt]:
        """The statements at its top."""
        try:
            return ast.parse(MAGIC.sub("", self.text)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []

    @cached_property
    def functions(self) -> list[Function]:
        """Its functions, without those for its own use."""
        nodes = [node for node in self.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return [Function(self.path, node) for node in nodes if not node.name.startswith("_")]

    def statements(self, pattern: re.Pattern[str]) -> Iterator[Found]:
        """Yield the statements outside of functions that call something of a name."""
        for node in self.body:
            simple = isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr)
            if simple and any(pattern.fullmatch(name) for name in called(node)):
                place = self.path if self.path.endswith(".ipynb") else f"{self.path}:{node.lineno}"
                yield Found(place, ast.unparse(node).splitlines()[0][:100])


def called(node: ast.AST) -> Iterator[str]:
    """Yield the last part of the name of each call."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            if isinstance(one.func, ast.Attribute):
                yield one.func.attr
            elif isinstance(one.func, ast.Name):
                yield one.func.id
