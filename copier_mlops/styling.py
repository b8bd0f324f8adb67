"""Formats renders of the template as the team formats its code, so that a formatter's changes are no edits to merge."""

import shutil
import subprocess
import sysconfig
import tomllib
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

RUFF = Path(sysconfig.get_path("scripts"), "ruff")


def format_alike(project: Path, base: Path, theirs: Path) -> None:
    """Format the Python files of two renders by the project's configuration of ruff, where the team did so, too.

    A configuration that this version of ruff does not accept is no reason to stop: the files stay as they are.
    """
    with TemporaryDirectory() as name:
        of_base, of_theirs = (shutil.copytree(render, Path(name, render.name)) for render in (base, theirs))
        if problem := run_ruff(project, Path(name)):
            print(f"The template's code was not formatted as yours is, which may cost conflicts: {problem}")
            return
        styled = {path for path in python(base) if is_closer(project / path, of_base / path, base / path)}
        if styled:
            for path in styled:
                shutil.copyfile(of_base / path, base / path)
            for path in python(theirs):
                if path in styled or not (base / path).exists():
                    shutil.copyfile(of_theirs / path, theirs / path)


def python(folder: Path) -> list[Path]:
    """Return the Python files of a folder, relative to it."""
    return [path.relative_to(folder) for path in folder.rglob("*.py")]


def run_ruff(project: Path, folder: Path) -> str:
    """Format a folder by the project's configuration, and return why ruff did not; empty if it did."""
    names = ("ruff.toml", ".ruff.toml", "pyproject.toml")
    config = next((project / name for name in names if (project / name).exists()), None)
    options = ["--config", config] if config else ["--isolated"]
    if width := width_of_black(project):
        options += ["--line-length", str(width)]
    done = subprocess.run(
        [RUFF, "format", "--quiet", "--no-cache", *options, folder], capture_output=True, text=True, check=False
    )
    return " ".join(done.stderr.split()) if done.returncode else ""


def width_of_black(project: Path) -> int | None:
    """Return the line length of a team that formats by Black, as ruff does almost alike."""
    try:
        settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    black = settings.get("tool", {}).get("black")
    return None if black is None else black.get("line-length", 88)


def is_closer(found: Path, one: Path, other: Path) -> bool:
    """Return whether a text has more lines in common with one text than with another, which differs from it."""
    if not found.is_file() or one.read_bytes() == other.read_bytes():
        return False
    lines, *compared = (path.read_bytes().splitlines() for path in (found, one, other))
    first, second = (SequenceMatcher(None, lines, each, autojunk=False).ratio() for each in compared)
    return first > second
