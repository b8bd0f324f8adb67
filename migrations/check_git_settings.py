"""Runs before each `copier update` in the project's folder: stops where a Git setting of the user would lose edits.

Copier compares renders in Git repositories of its own, which have the user's settings, but not the project's `.gitignore`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"
SEED = re.compile(r"^    /(\S+)$", re.MULTILINE)  # in `_exclude` of copier.yml
ADVICE = (
    "Nothing was changed. Update with `uv run poe level --update` or `uv run poe level N`, which overrule the setting."
)


def git(*arguments: str, folder: str = ".", stdin: str = "") -> list[str]:
    """Run Git and return the fields that it prints with `-z`; none if it finds nothing."""
    done = subprocess.run(["git", *arguments], cwd=folder, input=os.fsencode(stdin), capture_output=True, check=False)
    return [field for field in os.fsdecode(done.stdout).split("\0") if field]


def patterns() -> list[str]:
    """Return the paths of the template's files in a project, with `*` for the package."""
    paths = (path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if path.is_file())
    rendered = (re.sub(r"\{\{ (?!package_name)\w+ \}\}/", "", path).removesuffix(".jinja") for path in paths)
    return [path.replace("{{ package_name }}", "*") for path in rendered]


def of_the_template(tracked: Iterable[str]) -> list[str]:
    """Return the files that an update may change."""
    known, seeds = patterns(), [f"{seed}*" for seed in SEED.findall((ROOT / "copier.yml").read_text(encoding="utf-8"))]
    return [path for path in tracked if matches(path, known) and not matches(path, seeds)]


def matches(path: str, patterns: list[str]) -> bool:
    """Return whether a path matches one of the patterns."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def hidden_files() -> tuple[list[str], list[str]]:
    """Return the files that the user's settings make Git ignore, and those of which it compares no lines."""
    paths = "\0".join(of_the_template(git("ls-files", "-z")))
    with TemporaryDirectory() as folder:
        git("init", "--quiet", folder=folder)  # with the user's template of a repository
        ignored = git("check-ignore", "--no-index", "-z", "--stdin", folder=folder, stdin=paths)
        attributes = git("check-attr", "-z", "--stdin", "diff", folder=folder, stdin=paths)
    compared = zip(attributes[::3], attributes[2::3], strict=True)
    return ignored, [path for path, value in compared if value == "unset"]


def names(paths: list[str]) -> str:
    """Return the first paths of a list, and how many there are."""
    return json.dumps(paths[:3])[1:-1] + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def problems() -> list[str]:
    """Return in a line each what would lose edits."""
    ignored, not_compared = hidden_files()
    found = []
    if ignored:
        found.append(f"your own settings of Git (core.excludesFile or init.templateDir) ignore {names(ignored)}")
    if not_compared:
        found.append(f"your own settings of Git (core.attributesFile) turn off diff for {names(not_compared)}")
    if any(value.startswith("error") for value in git("config", "-z", "--get", "apply.whitespace")):
        found.append("Git's setting apply.whitespace rejects lines that end with a space")
    return found


def main() -> None:
    """Exit with code 1 and print what to do if edits would be lost."""
    if found := problems():
        sys.exit("\n".join(["", *(f"`copier update` would lose edits: {each}." for each in found), ADVICE]))


if __name__ == "__main__":
    main()
