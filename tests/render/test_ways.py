"""The ways of a request, a label and a version in docs/explanation/structure.md are those of the code."""

import ast
import re

import pytest
from harness.site import DOCS
from harness.template import levels

PAGE = (DOCS / "explanation/structure.md").read_text(encoding="utf-8")
WAYS = {
    name: PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    for name in ("One request", "One label", "One version")
}
STEP = re.compile(r"^\d+\. `([\w/]+\.py)` `([\w.]+)`: .+[.]$", re.MULTILINE)


def defined(tree: ast.Module) -> set[str]:
    """Return the functions of a module, and the methods of its classes behind the name of the class."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in tree.body if isinstance(node, functions)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, functions)}
    return found


@pytest.mark.parametrize("name", WAYS)
def test_way_has_ten_lines_each_of_which_names_a_function_of_the_highest_level(render, name):
    package = render(maturity_level=levels()[-1]).package
    steps = STEP.findall(WAYS[name])
    assert len(steps) == len(re.findall(r"^\d+\. ", WAYS[name], re.MULTILINE)) == 10
    missing = [
        f"{path} {function}"
        for path, function in steps
        if not (package / path).exists() or function not in defined(ast.parse((package / path).read_text("utf-8")))
    ]
    assert missing == []


def test_paths_and_names_in_the_text_are_in_the_code(render):
    package = render(maturity_level=levels()[-1]).package
    code = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    for text in WAYS.values():
        for name in re.findall(r"`((?:registry|pipeline|serving)/\w+)`", text):
            assert (package / name).is_dir(), name
        for name in re.findall(r"`([A-Z]\w+)`", text):
            assert f"class {name}" in code, name
