"""List the pins of the template that have newer versions, and rewrite each one in all files alike.

Pins are actions (`uses: NAME@COMMIT # TAG`), images (`NAME:TAG`) and packages (`NAME==VERSION`) below template/. Git lists
the tags of an action, `oras` those of an image, and uv finds the version of a package in the index that it is set to. A new
major version is listed, and written only with --major: PostgreSQL, for example, would not read the data of the older one.

Tests run it with repositories and programs that stand in for these. Run for real were uv with an index, and `oras` with a
registry on the same machine; neither GitHub nor a public registry has been requested.
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
ACTION = re.compile(r"uses: (?P<name>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40}) # (?P<tag>v\d[\d.]*)")
IMAGE = re.compile(r'(?:\bimage"?: (?:&\w+ |")?|^FROM )(?P<name>[\w./-]+):(?P<tag>v?\d[\w.-]*)', re.MULTILINE)
PACKAGE = re.compile(r"(?<![\w-])(?P<name>[a-z][a-z0-9-]+)==(?P<version>\d[\d.]*)")
TAG = re.compile(r"(v?)(\d+(?:\.\d+)*)(.*)")  # the version, and what is before and behind it
HELD = {"docker.io/library/python"}  # its version is the Python that the image and its lock are for
# Files that record what was, or that uv writes.
NOT_REWRITTEN = re.compile(r"CHANGELOG\.md|uv\.lock|benchmarks/results/|docs/reference/|.*\.(gz|png)$")


class UnknownVersionsError(Exception):
    """Why the newer versions of a pin are not known."""


@dataclass(frozen=True)
class Pin:
    """A pin, its newer versions from old to new, and the texts that one of these replaces, as patterns."""

    name: str
    version: str
    newer: list[str]
    replacements: Callable[[str], dict[str, str]]

    def newest(self, *, major: bool) -> str | None:
        """Return the newest version, or the newest of the same major version."""
        fitting = [each for each in self.newer if major or Version(each).major == Version(self.version).major]
        return fitting[-1] if fitting else None


def output(*command: str, given: str | None = None) -> str:
    """Run a program and return its output.

    Raises:
        UnknownVersionsError: it is not installed, or fails.
    """
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UnknownVersionsError(f"{command[0]} is not installed") from None
    if done.returncode:
        raise UnknownVersionsError(" ".join(done.stderr.split())[:200] or f"`{command[0]}` fails")
    return done.stdout


def newer_than(version: str, candidates: Iterable[str]) -> list[str]:
    """Return the newer versions that have as many numbers as `version`, from old to new."""
    alike = {each for each in candidates if each.count(".") == version.count(".")}
    return sorted((each for each in alike if Version(each) > Version(version)), key=Version)


def action(name: str, commit: str, tag: str) -> Pin:
    """Return an action with the tags of its repository that are plain versions."""
    commits = {}
    for line in output("git", "ls-remote", "--tags", f"https://github.com/{name}", "v*").splitlines():
        there, _, listed = line.partition("\trefs/tags/")
        commits[listed.removesuffix("^{}")] = there  # that of an annotated tag comes last
    plain = [each.removeprefix("v") for each in commits if re.fullmatch(r"v\d+(\.\d+)*", each)]

    def replacements(new: str) -> dict[str, str]:
        return {
            re.escape(f"{name}@{commit} # {tag}"): f"{name}@{commits[f'v{new}']} # v{new}",
            re.escape(f'["{name}"]\ntag = "{tag}"\ncommit = "{commit}"'): (
                f'["{name}"]\ntag = "v{new}"\ncommit = "{commits[f"v{new}"]}"'
            ),
        }

    return Pin(name, tag.removeprefix("v"), newer_than(tag.removeprefix("v"), plain), replacements)


def image(name: str, tags: set[str]) -> Pin:
    """Return an image with the versions for which its registry has all tags in use: with Debian and without, for example.

    Raises:
        UnknownVersionsError: the tags are of several versions, or the registry does not list them.
    """
    parts = [found.groups() for tag in tags if (found := TAG.fullmatch(tag))]
    if len({version for _, version, _ in parts}) != 1:
        raise UnknownVersionsError(f"it has several versions: {', '.join(sorted(tags))}")
    version = parts[0][1]
    full = (
        name if set(".:") & set(name.partition("/")[0]) else f"docker.io/{name if '/' in name else f'library/{name}'}"
    )
    there = set(output("oras", "repo", "tags", full).split())
    listed = {found[2] for each in there if (found := TAG.fullmatch(each))}
    complete = [each for each in listed if all(f"{before}{each}{behind}" in there for before, _, behind in parts)]

    def replacements(new: str) -> dict[str, str]:
        return {
            rf"(?<![\w./-]){re.escape(f'{name}:{before}{version}{behind}')}(?![\w.-])": f"{name}:{before}{new}{behind}"
            for before, _, behind in parts
        }

    return Pin(name, version, newer_than(version, complete), replacements)


def package(name: str, version: str) -> Pin:
    """Return a package with its newest version, and the newest one of the same major version."""
    found = []
    for wanted in (f"{name}<{Version(version).major + 1}", name):
        resolved = output(
            "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "-", given=wanted
        )
        found.append(resolved.strip().partition("==")[2])

    def replacements(new: str) -> dict[str, str]:
        return {rf"(?<![\w-]){re.escape(f'{name}=={version}')}(?![\w.])": f"{name}=={new}"}

    return Pin(
        name, version, sorted({each for each in found if Version(each) > Version(version)}, key=Version), replacements
    )


def lookups(text: str) -> Iterator[tuple[str, Callable[[], Pin]]]:
    """Yield the name of each pin in a text, and how to look it up."""
    for name, commit, tag in sorted(set(ACTION.findall(text))):
        yield name, lambda name=name, commit=commit, tag=tag: action(name, commit, tag)
    tags = defaultdict(set)
    for name, tag in IMAGE.findall(text):
        tags[name].add(tag)
    for name in sorted(tags.keys() - HELD):
        yield name, lambda name=name: image(name, tags[name])
    for name, version in sorted(set(PACKAGE.findall(text))):
        yield name, lambda name=name, version=version: package(name, version)


def tracked(*folders: str) -> list[Path]:
    """Return the files of this repository that Git tracks, or those of some folders, without what records the past."""
    command = ["git", "ls-files", "-z", *folders]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and not NOT_REWRITTEN.match(name)]


def rewrite(replacements: dict[str, str]) -> list[Path]:
    """Replace patterns by texts in all files, and return those that have changed."""
    changed = []
    for path in tracked():
        text = before = path.read_text(encoding="utf-8")
        for pattern, new in replacements.items():
            text = re.sub(pattern, lambda _, new=new: new, text)
        if text != before:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def main() -> None:
    """List and rewrite; exit with 1 if a pin could not be looked up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--major", action="store_true", help="write new major versions too")
    major = parser.parse_args().major
    text = "\n".join(path.read_text(encoding="utf-8") for path in tracked("template"))
    replacements, unknown = {}, 0
    for name, look_up in lookups(text):
        try:
            pin = look_up()
        except UnknownVersionsError as error:
            unknown += 1
            print(f"make bump: {name} is not looked up: {error}", file=sys.stderr)
            continue
        if new := pin.newest(major=major):
            print(f"{name} {pin.version} -> {new}")
            replacements |= pin.replacements(new)
        if (newest := pin.newest(major=True)) != new:
            print(f"{name} {pin.version}: {newest} is a new major version; read its notes, then MAJOR=1 writes it")
    for path in rewrite(replacements):
        print(f"  {path.relative_to(ROOT)}")
    sys.exit(bool(unknown))


if __name__ == "__main__":
    main()
