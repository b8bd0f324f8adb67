"""The folders of a package and what they import, and the drawings of that in the pages of a project."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

Graph = dict[str, set[str]]  # the folders that each folder imports


def imports(package: Path) -> Graph:
    """Return for each folder of a package the others from which its modules import."""
    folders = {path.name for path in package.iterdir() if any(path.glob("*.py"))}
    graph: Graph = {folder: set() for folder in sorted(folders)}
    for path in sorted(package.glob("*/**/*.py")):
        where = path.relative_to(package).parent.parts
        for name in _imported(path, where):
            if name in folders - {where[0]}:
                graph[where[0]].add(name)
    return graph


def _imported(path: Path, where: tuple[str, ...]) -> Iterator[str]:
    """Yield the folders or modules of the package from which a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            start = [*where[: len(where) - node.level + 1], *(node.module or "").split(".")]
            yield from (next(one for one in [*start, alias.name] if one) for alias in node.names)


def reach(graph: Graph, folder: str) -> set[str]:
    """Return all that a folder imports, also by way of others."""
    found: set[str] = set()
    new = [*graph[folder]]
    while new:
        if (one := new.pop()) not in found:
            found.add(one)
            new += graph[one]
    return found


def reduced(graph: Graph) -> Graph:
    """Return a graph without the arrows that follow from others."""
    return {
        folder: {one for one in direct if not any(one in reach(graph, other) for other in direct - {one})}
        for folder, direct in graph.items()
    }


def layers(graph: Graph) -> list[list[str]]:
    """Return the folders from the lowest layer up: each imports only from layers below its own."""
    rows: list[list[str]] = []
    left = set(graph)
    while left:
        row = {folder for folder in left if not graph[folder] & left}
        assert row, f"these import each other in a circle: {sorted(left)}"
        rows.append(sorted(row))
        left -= row
    return rows


def drawn(page: str) -> Graph:
    """Return the first drawing of a page, in Mermaid: `a & b --> c --> d`."""
    found = re.search(r"```mermaid\nflowchart \w+\n(.*?)```", page, re.DOTALL)
    assert found
    graph: Graph = {}
    for line in found[1].splitlines():
        groups = [[one.strip() for one in part.split("&")] for part in line.split("-->")]
        for before, after in pairwise(groups):
            for one in before:
                graph.setdefault(one, set()).update(after)
        for one in groups[-1]:
            graph.setdefault(one, set())
    return graph


def mapped(page: str) -> dict[str, str]:
    """Return the folders and files in the table below *Map* of a page, with the text of each."""
    section = page.partition("\n## Map\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE)
    return {name: text for names, text in rows for name in re.findall("`(.*?)`", names)}
