"""Bring a project to another level or version of the template, and keep all edits.

The template is rendered twice, as the project was made from it and as it will be, and `git merge` takes the difference
over into a clone of the repository. Only a merge that succeeds, or has conflicts to show, reaches the project.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from copier_mlops.answers import check_questions, read_answers
from copier_mlops.errors import CommandError
from copier_mlops.git import check_clean, clone_of, git, paths, plain_git, whole_or_nothing
from copier_mlops.merging import IGNORE, Merged, copy, files, merge, remove
from copier_mlops.rendering import is_older, level_of, render
from copier_mlops.styling import format_alike, is_closer


@dataclass(frozen=True)
class Request:
    """What to update to."""

    data: dict[str, Any] = field(default_factory=dict)
    newest: bool = False  # take the newest version of the template
    version: str | None = None  # or this one
    ask: bool = False
    delete_edited: bool = False  # also what lowering or another answer drops


@dataclass(frozen=True)
class Outcome:
    """How an update changes a project; paths are relative to its folder."""

    merged: Merged
    ignored: list[str]  # new files that Git ignores in the project
    missing: list[str]  # managed files of the template that are not in the project
    newer_seeds: list[str]  # seeds that the template changed; the team's stay as they are
    before: dict[str, Any]
    answers: dict[str, Any]

    @property
    def is_nothing(self) -> bool:
        """Return whether the update changes nothing."""
        return not any((self.merged.new, self.merged.changed, self.merged.gone, self.merged.conflicts))

    @property
    def changes_level(self) -> bool:
        """Return whether the project reaches another level."""
        return level_of(self.answers) != level_of(self.before)


class Renders:
    """The renders that an update needs, each made when it is first used.

    `base` and `theirs` are without the seeds that the project has had; `old` and `new` are with all seeds.
    """

    def __init__(self, folder: Path, recorded: dict[str, Any], request: Request) -> None:
        self._folder, self._recorded, self._request = folder, recorded, request
        self._version = request.version or (None if request.newest else recorded["_commit"])

    @cached_property
    def base(self) -> Path:
        """What the project was made from."""
        return render(self._recorded, self._folder / "base", self._recorded["_commit"])

    def named(self, package: str) -> Path:
        """What the project was made from, when its package had another name."""
        return render(self._recorded | {"package_name": package}, self._folder / "named", self._recorded["_commit"])

    @cached_property
    def theirs(self) -> Path:
        """What the project will be."""
        reached = max(level_of(self._recorded), self._recorded["maturity_level"])  # it may have been edited
        data = {"maturity_level": reached, **self._request.data, "allow_lowering": True}
        return render(self._recorded, self._folder / "theirs", self._version, ask=self._request.ask, **data)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The new answers."""
        return read_answers(self.theirs, self._recorded["_answers_file"])

    @cached_property
    def old(self) -> Path:
        """What the project was made from, with its seeds."""
        return render(self._recorded, self._folder / "old", self._recorded["_commit"], keep_seeds=False)

    @cached_property
    def new(self) -> Path:
        """What a new project would be."""
        return render(self.answers, self._folder / "new", self.answers["_commit"], keep_seeds=False)

    @cached_property
    def managed(self) -> Path:
        """What a new project would be, without any seed."""
        return render(self.answers, self._folder / "managed", self.answers["_commit"])

    def is_seed(self, path: str) -> bool:
        """Return whether a new file of the template is a seed."""
        return not (self.managed / path).exists()


def lift(folder: Path, request: Request, *, dry_run: bool = False) -> Outcome:
    """Update the project in `folder`, unless it is a dry run, and return how that changes it.

    Raises:
        CommandError: the update is refused or fails; the project is unchanged.
    """
    check_clean(folder)
    before = read_answers(folder)
    recorded = renamed(folder, before, request)
    with clone_of(folder) as clone, renders_of(recorded, request) as renders:
        check_versions(recorded, renders.answers, request)
        outcome = prepare(folder, clone, renders, request, before)
        if dry_run:
            return outcome
        if level_of(outcome.answers) < level_of(outcome.before) and not request.delete_edited:
            raise CommandError(
                "nothing was changed: lowering deletes the files above, with your edits. Add --allow-lowering to do it"
            )
        with whole_or_nothing(folder):
            take_over(clone, folder, outcome.merged)
    return outcome


@contextmanager
def renders_of(recorded: dict[str, Any], request: Request) -> Iterator[Renders]:
    """Yield the renders that an update needs, in a temporary folder."""
    with TemporaryDirectory() as name:
        yield Renders(Path(name), recorded, request)


def renamed(folder: Path, recorded: dict[str, Any], request: Request) -> dict[str, Any]:
    """Return the recorded answers with the name that the team gave to the package, and check that the package is there.

    Raises:
        CommandError: it is not, or another name is asked for before the folder is renamed.
    """
    old = recorded["package_name"]
    new = request.data.get("package_name", old)
    packages = {path.split("/")[1] for path in paths(git(folder, "ls-files", "-z", "--", "src/*/*"))}
    if new == old and old not in packages and len(packages) == 1:
        (new,) = packages
    if new not in packages and new == old:
        raise CommandError(
            f"src/{old} is not here, and updates go into src/{old}: add --data package_name=NAME"
            " if the package has another name now"
        )
    if new not in packages:
        raise CommandError(
            f"there is no src/{new} yet: `git mv src/{old} src/{new}`, replace {old} in imports, commit, then again"
        )
    return recorded | {"package_name": new}


def check_versions(recorded: dict[str, Any], answers: dict[str, Any], request: Request) -> None:
    """Check that the update goes forward, and that each answer belongs to a question.

    Raises:
        CommandError: it does not.
    """
    if is_older(answers["_commit"], recorded["_commit"]):
        raise CommandError(
            f"{answers['_commit']} of the template is older than {recorded['_commit']}, from which this project was made"
        )
    check_questions(request.data, answers)


def prepare(folder: Path, clone: Path, renders: Renders, request: Request, before: dict[str, Any]) -> Outcome:
    """Merge the update into the clone and return how that changes the project, which has the answers `before`.

    Raises:
        CommandError: a file would be overwritten.
    """
    if before["package_name"] != renders.answers["package_name"]:
        with_old_name(clone, renders, before["package_name"], renders.answers["package_name"])
    copy(clone, renders.base, [before["_answers_file"]])  # so that the new answers win
    format_alike(clone, renders.base, renders.theirs)
    base, theirs = files(renders.base), files(renders.theirs)
    merged = merge(
        clone,
        renders.base,
        renders.theirs,
        delete_edited=request.delete_edited,
        is_own=renders.is_seed,
        is_foreign=lambda path: bool(before.get("adopted")) and is_foreign(folder, renders.theirs, path),
    )
    known = {path.lower(): path for path in paths(git(folder, "ls-files", "-z", "--", "."))}
    if clashes := [known[path.lower()] for path in merged.new if path.lower() in known]:
        raise CommandError(f"{', '.join(clashes)} and a new file differ in case only: rename yours, commit")
    if hidden := [path for path in merged.new if (folder / path).exists()]:
        raise CommandError(f"Git ignores {', '.join(hidden)}, and the update would overwrite that: move it away")
    rises = level_of(renders.answers) > level_of(before)
    return Outcome(
        merged=merged,
        ignored=ignored(folder, merged.new),
        missing=[
            path
            for path in theirs
            if not (clone / path).exists() and path not in merged.moved and (rises or theirs[path] != base.get(path))
        ],
        newer_seeds=newer_seeds(renders, base, theirs) if before["_commit"] != renders.answers["_commit"] else [],
        before=before,
        answers=renders.answers,
    )


def is_foreign(folder: Path, theirs: Path, path: str) -> bool:
    """Return whether a file of a repository that was adopted never came from the template, which marks its own."""
    mine, new = (side / path for side in (folder, theirs))
    return path != IGNORE and new.exists() and is_marked(new) and mine.exists() and not is_marked(mine)


def is_marked(path: Path) -> bool:
    """Return whether a file says of itself that it is managed."""
    return b"Managed by copier-mlops" in path.read_bytes()[:500]


def with_old_name(clone: Path, renders: Renders, old: str, new: str) -> None:
    """Let the old name of the package stay in the files of `base` in which the team left it.

    So the template replaces it there, and where the team did so there is nothing to merge.
    """
    with_old = renders.named(old)
    (with_old / "src" / old).rename(with_old / "src" / new)
    for path in files(renders.base):
        if is_closer(clone / path, with_old / path, renders.base / path):
            copy(with_old, renders.base, [path])


def ignored(folder: Path, names: list[str]) -> list[str]:
    """Return the files that Git ignores in the project."""
    if not names:
        return []
    try:
        listed = git(folder, "check-ignore", "-z", "--stdin", stdin="\0".join(names).encode())
    except CommandError:  # none of them
        return []
    return paths(listed)


def newer_seeds(renders: Renders, base: dict[str, bytes], theirs: dict[str, bytes]) -> list[str]:
    """Return the seeds of the project that the template changed."""
    old, new = files(renders.old), files(renders.new)
    return [path for path in new if path not in theirs and path not in base and old.get(path) != new[path]]


def take_over(clone: Path, folder: Path, merged: Merged) -> None:
    """Make the changes of the clone in the project; Git's index has both sides of each conflict, as after a merge."""
    copy(clone, folder, [*merged.new, *merged.changed, *merged.conflicts])
    remove(folder, merged.gone)
    if not merged.staged:
        return
    lines = []
    for entry in paths(merged.staged):
        mode, hashed, side, path = entry.replace("\t", " ", 1).split(" ", 3)
        content = os.fsencode(plain_git(clone, "cat-file", "blob", hashed))
        lines.append(f"{mode} {git(folder, 'hash-object', '-w', '--stdin', stdin=content).strip()} {side}\t{path}")
    removed = [f"0 {'0' * 40}\t{path}" for path in dict.fromkeys(line.partition("\t")[2] for line in lines)]
    top = Path(git(folder, "rev-parse", "--show-toplevel").strip())
    git(top, "update-index", "-z", "--index-info", stdin="\0".join([*removed, *lines, ""]).encode())
