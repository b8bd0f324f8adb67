"""Lays a level of the template over a repository: their files win, and two get a block of lines at most.

The level is rendered elsewhere first. What reaches the repository is one commit.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from copier import run_copy
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from copier_mlops.adoption.defaults import defaults_for, metadata, taken
from copier_mlops.adoption.functions import Found, found_in
from copier_mlops.adoption.pyproject import added, parsed
from copier_mlops.answers import check_questions, read_answers
from copier_mlops.errors import CommandError, copier_errors
from copier_mlops.git import check_clean, git, paths, whole_or_nothing
from copier_mlops.maturity.repository import Repository
from copier_mlops.merging import IGNORE, PYPROJECT, check_folders, copy, files

PYTHONS = ("3.11.9", "3.12.9", "3.13.9")
TEMPLATES = ("copier.yml", "copier.yaml", "cookiecutter.json")
# Files without which a part does not run, and what to do where the team has its own.
NEEDED = {
    "params.yaml": "the stages read their parameters there: add the sections, or rename yours",
    "dvc.yaml": "`poe pipeline` runs these stages: add them to yours",
    "tests/conftest.py": "the tests of the stages need its fixtures: add them to yours",
    ".github/workflows/ci.yml": "cd.yml calls it: rename yours, then take the template's",
}


@dataclass(frozen=True)
class Adoption:
    """What the template brings to a repository; paths are relative to its folder."""

    answers: dict[str, Any]
    new: list[str]
    theirs: list[str]  # also in the template
    blocks: dict[str, str]  # the whole text of each file that gets lines
    notes: list[str]
    functions: dict[str, list[Found]]


@dataclass(frozen=True)
class Source:
    """What to lay over the repository."""

    template: str
    version: str | None
    data: dict[str, Any]
    ask: bool


def adopt(folder: Path, source: Source, *, dry_run: bool, verify: bool) -> Adoption:
    """Lay the template over the repository in `folder` and commit that, unless it is a dry run.

    Raises:
        CommandError: it is refused or fails; the repository is unchanged.
    """
    check(folder)
    repository = Repository(folder)
    with TemporaryDirectory() as name:
        rendered = render(repository, source, Path(name, "project"))
        adoption = prepare(folder, repository, rendered)
        if dry_run:
            return adoption
        with whole_or_nothing(folder):
            copy(rendered, folder, adoption.new)
            for path, text in adoption.blocks.items():
                (folder / path).write_text(text, encoding="utf-8", newline="")
            commit(folder, adoption, verify=verify)
    return adoption


def check(folder: Path) -> None:
    """Check that the folder is a repository that can be adopted.

    Raises:
        CommandError: it is not.
    """
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder")
    check_clean(folder)
    if any(b"package_name:" in path.read_bytes() for path in folder.glob(".copier-answers*.yml")):
        raise CommandError("this repository was made from the template, or adopted: `uv run poe level` lifts it")
    if found := [name for name in TEMPLATES if (folder / name).exists()]:
        raise CommandError(f"this is a template itself ({found[0]}): adopt a repository that it makes")
    required = str(metadata(folder).get("requires-python", ""))
    try:
        accepted = [version for version in PYTHONS if version in SpecifierSet(required)]
    except InvalidSpecifier as error:
        raise CommandError(f"pyproject.toml: {error}") from error
    if not accepted:
        raise CommandError(
            f'pyproject.toml has requires-python = "{required}", and the template needs one of Python 3.11 to 3.13:'
            " change it, commit, then again"
        )


def render(repository: Repository, source: Source, target: Path) -> Path:
    """Render the template with answers from what the repository says of itself, and return the folder.

    Raises:
        CommandError: the template cannot be fetched or does not accept an answer, or a module has the package's name.
    """
    with copier_errors():
        run_copy(
            source.template,
            target,
            data={**source.data, "adopted": True},
            user_defaults=defaults_for(repository),
            vcs_ref=source.version,
            defaults=not source.ask,
            unsafe=True,
            quiet=True,
        )
    answers = read_answers(target)
    check_questions(source.data, answers)
    if (package := answers["package_name"]) in taken(repository):
        raise CommandError(f"there is a {package} here: add --data package_name=NAME for the package of the pipeline")
    return target


def prepare(folder: Path, repository: Repository, rendered: Path) -> Adoption:
    """Return how the rendered files change the repository.

    Raises:
        CommandError: a file or link is where the template needs a folder, or `pyproject.toml` cannot be added to.
    """
    check_folders(folder, rendered)
    ours, answers = files(rendered), read_answers(rendered)
    tracked = {path.lower() for path in paths(git(folder, "ls-files", "-z", "--", "."))}
    present = [path for path in ours if path.lower() in tracked or os.path.lexists(folder / path)]
    theirs = [path for path in present if path not in (PYPROJECT, IGNORE)]
    if "README.md" not in theirs and has_readme(folder):
        theirs.append("README.md")
    notes = [f"{path}: {NEEDED[path]}" for path in theirs if path in NEEDED]
    blocks = {}
    blocks[PYPROJECT], kept = with_block(folder, ours[PYPROJECT].decode(), answers["project_slug"])
    blocks[IGNORE] = appended(text_of(folder / IGNORE), ours[IGNORE].decode())
    return Adoption(
        answers=answers,
        new=[path for path in ours if path not in theirs and path not in blocks],
        theirs=[path for path in theirs if not is_same(folder / path, ours[path])],
        blocks=blocks,
        notes=notes + kept + packages_by_discovery(folder, repository),
        functions=found_in(repository),
    )


def has_readme(folder: Path) -> bool:
    """Return whether there is a README in any format."""
    return any(path.name.lower().startswith("readme") for path in folder.iterdir())


def is_same(path: Path, content: bytes) -> bool:
    """Return whether a file has the content."""
    return path.is_file() and path.read_bytes() == content


def text_of(path: Path) -> str:
    """Return a file with its line ends as they are, or an empty text.

    Raises:
        CommandError: it is no UTF-8.
    """
    try:
        return path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise CommandError(f"{path.name} is not UTF-8: convert it, commit, then again") from error


def appended(text: str, block: str) -> str:
    """Return the text with the block at its end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = block.replace("\n", newline)
    return f"{text.rstrip()}{newline}{newline}{block}" if text.strip() else block


def with_block(folder: Path, block: str, name: str) -> tuple[str, list[str]]:
    """Return `pyproject.toml` with the block, and what is left to the team.

    uv takes a project from [project]. Of scripts without one, this describes the environment only; what Poetry or
    `setup.py` describes is installed as a package beside it.

    Args:
        folder: the repository.
        block: what the template needs.
        name: of the project, where nothing names it.

    Raises:
        CommandError: nothing can be added.
    """
    text = text_of(folder / PYPROJECT)
    document = parsed(text)
    if "project" not in document:
        if package := package_of(folder, document):
            block += (
                "\n# Your package, which another tool builds.\n"
                f'[tool.uv.sources]\n"{package}" = {{ path = ".", editable = true }}\n\n[tool.uv.workspace]\n'
            )
            block = block.replace("\n# The rest is written", f'\nyours = ["{package}"]\n\n# The rest is written', 1)
        else:
            block = (
                f'[project]\nname = "{name}"\nversion = "0"\nrequires-python = ">=3.11,<3.14"\n'
                f"dependencies = [] # `uv add` writes here\n\n{block}"
            ).replace('default-groups = "all"', 'default-groups = "all"\npackage = false', 1)
    result, kept = added(text, block)
    return result, [f"{PYPROJECT}: {setting} is yours, and the template would set it: compare" for setting in kept]


def package_of(folder: Path, document: dict[str, Any]) -> str:
    """Return the name of the package that Poetry or setuptools builds, or an empty text if none does."""
    if name := document.get("tool", {}).get("poetry", {}).get("name"):
        return str(name)
    for path, pattern in (("setup.cfg", r"^name\s*=\s*([\w.-]+)"), ("setup.py", r"\bname\s*=\s*[\"']([\w.-]+)")):
        if found := re.search(pattern, text_of(folder / path), re.MULTILINE):
            return found[1]
    return ""


def packages_by_discovery(folder: Path, repository: Repository) -> list[str]:
    """Return a note if setuptools, which looks for packages itself, would find other ones with a folder `src`."""
    text = "".join(text_of(folder / name) for name in (PYPROJECT, "setup.py", "setup.cfg"))
    builds = "setuptools" in text or ("[project]" in text and "[build-system]" not in text)
    if not builds or re.search(r"packages|py[-_]modules|package[-_]dir", text):
        return []
    flat = sorted({path.split("/")[0] for path in repository.files if re.fullmatch(r"\w+/__init__\.py", path)})
    if not flat or any(path.startswith("src/") for path in repository.files):
        return []
    return [
        f"{PYPROJECT}: with a folder src, setuptools finds {flat[0]} no more: name it in [tool.setuptools] packages"
    ]


def commit(folder: Path, adoption: Adoption, *, verify: bool) -> None:
    """Commit the new and changed files.

    Raises:
        CommandError: Git, or a hook, refuses.
    """
    listed = "\0".join([*adoption.new, *adoption.blocks])
    git(folder, "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed.encode())
    message = f"Adopt copier-mlops at level {adoption.answers['maturity_level']}"
    try:
        git(folder, "commit", "--quiet", "--message", message, *([] if verify else ["--no-verify"]))
    except CommandError as error:
        raise CommandError(f"the commit was refused, and all is as before; --no-verify skips hooks: {error}") from error
