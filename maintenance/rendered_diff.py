"""Print what a change of the template changes in the projects that it renders.

Each level is rendered with defaults, and the highest level with the other choices of its questions, from a commit and
from the working tree as it is. Git compares the two; what an earlier render has shown already is left out.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SUMMARY_BYTES = 1_000_000  # GitHub refuses the summary of a step above 1 MiB
Answers = dict[str, Any]


def git(*arguments: str | Path, **variables: str) -> str:
    """Run Git in this repository and return its output."""
    command = ["git", *map(str, arguments)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def commit_of(base: str) -> str:
    """Return the commit that a branch, tag or hash names."""
    try:
        return git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}").strip()
    except subprocess.CalledProcessError:
        sys.exit(f"make diff: BASE={base} is no branch, tag or commit of this repository")


def working_tree(folder: Path) -> str:
    """Return the files of this repository as a tree object of Git, committed or not; the index stays as it is."""
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    git("read-tree", "HEAD", **index)
    git("add", "--all", **index)
    return git("write-tree", **index).strip()


def export(tree: str, folder: Path) -> Path:
    """Write the files of a commit or tree to a new folder, and return it."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", tree], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, check=True, input=archive)
    return folder


def choices(template: Path) -> dict[str, list[Any]]:
    """Return what can be answered to each question that has choices, the default first."""
    questions = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    found = {}
    for name, question in questions.items():
        if not name.startswith("_") and "choices" in question:
            listed = question["choices"]
            values = list(listed.values() if isinstance(listed, dict) else listed)
            values = [value["value"] if isinstance(value, dict) else value for value in values]
            default = question.get("default")
            found[name] = sorted(values, key=lambda value, default=default: value != default)
    return found


def renders(known: dict[str, list[Any]], level: int | None) -> Iterator[tuple[str, Answers]]:
    """Yield the name and the answers of each render: `level` alone, or all levels and each other choice at the highest."""
    levels = sorted(known["maturity_level"])
    for number in levels if level is None else [level]:
        yield f"level {number}", {"maturity_level": number}
    if level is None:
        others = [[(name, value) for value in values[1:]] for name, values in known.items() if name != "maturity_level"]
        for row in zip_longest(*others):
            answers = dict(each for each in row if each)
            name = ", ".join(map(str, answers.values()))
            yield f"level {levels[-1]}, {name}", {"maturity_level": levels[-1], **answers}


def render(template: Path, answers: Answers, folder: Path) -> Path:
    """Render a template with some answers and defaults for the others, and return the folder.

    A level that the template does not have yet is empty, and a choice that it does not have yet takes the default.
    """
    folder.mkdir(parents=True)
    known = choices(template)
    if answers["maturity_level"] in known["maturity_level"]:
        given = [f"--data={name}={value}" for name, value in answers.items() if value in known.get(name, [])]
        command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet", "--overwrite"]
        done = subprocess.run([*command, *given, template, folder], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"make diff: a version of the template does not render with {answers}:\n{done.stderr}")
    return folder


def difference(before: Path, after: Path, store: Path) -> list[str]:
    """Return the unified diff of two folders, one text for each file; `store` is a repository to compare them in."""

    def run(*arguments: str | Path, folder: Path = store) -> str:
        command = ["git", f"--git-dir={store}", f"--work-tree={folder}", "-c", "core.autocrlf=false", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    trees = []
    for folder in (before, after):
        run("add", "--all", "--force", ".", folder=folder)
        trees.append(run("write-tree").strip())
    text = run("diff", "--no-ext-diff", "--no-color", "--find-renames", *trees)
    return [f"diff --git {part}" for part in ("\n" + text).split("\ndiff --git ")[1:]]


def differences(base: str, level: int | None, folder: Path) -> dict[str, str]:
    """Return the unified diff of each render that adds to those before it, by the name of the render.

    Both templates are rendered from the same path, since the projects name it.
    """
    sides = {"after": working_tree(folder), "before": commit_of(base)}
    store, template = folder / "store", folder / "copier-mlops"
    subprocess.run(["git", "init", "--quiet", "--bare", store], check=True)
    named: list[tuple[str, Answers]] = []
    for side, tree in sides.items():  # the working tree first: its questions decide what is rendered
        export(tree, template)
        named = named or list(renders(choices(template), level))
        for number, (_, answers) in enumerate(named):
            render(template, answers, folder / side / str(number))
        shutil.rmtree(template)
    found, seen = {}, set()
    for number, (name, _) in enumerate(named):
        files = difference(folder / "before" / str(number), folder / "after" / str(number), store)
        found[name] = "\n".join(text.rstrip("\n") for text in files if text not in seen)
        seen.update(files)
    return {name: text + "\n" for name, text in found.items() if text}


def markdown(found: dict[str, str], base: str) -> str:
    """Return the diffs as Markdown of at most SUMMARY_BYTES."""
    title = f"### Rendered projects, compared with {base}\n"
    parts = [f"\n**{name}**\n\n``````diff\n{text}``````\n" for name, text in found.items()]
    whole = title + ("".join(parts) or "\nNo rendered file changes.\n")
    if len(whole.encode()) <= SUMMARY_BYTES:
        return whole
    sizes = [f"- {name}: {text.count('diff --git ')} files" for name, text in found.items()]
    return f"{title}\nToo long to be shown here: run `make diff BASE={base}`.\n\n" + "\n".join(sizes) + "\n"


def main() -> None:
    """Print the diffs, or write them to a folder; a summary is added to a file of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="main", help="a branch, tag or commit")
    parser.add_argument("--level", type=int, help="only this level, with defaults")
    parser.add_argument("--to", type=Path, help="write one file for each render to this folder")
    parser.add_argument("--summary", type=Path, help="add the diffs as Markdown to this file, instead of printing them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = differences(given.base, given.level, Path(folder))
    if given.summary:
        with given.summary.open("a", encoding="utf-8") as file:
            file.write(markdown(found, given.base))
    elif given.to:
        given.to.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            path = given.to / f"{name.replace(', ', '-').replace(' ', '-')}.diff"
            path.write_text(text, encoding="utf-8")
            print(path)
    else:
        for name, text in found.items():
            print(f"# {name}\n{text}", end="")
    if not found:
        print(f"No rendered file differs from {given.base}.")


if __name__ == "__main__":
    main()
