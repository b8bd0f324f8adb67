"""Merges what changed between two renders of the template into a clone of the project, by `git merge`.

Git finds files that the team moved and files that the template renamed, and merges those too.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tomlkit.exceptions import TOMLKitError

from copier_mlops.errors import CommandError
from copier_mlops.git import paths, plain_git
from copier_mlops.requirements import Change, applied, postponed

PYPROJECT = "pyproject.toml"
IGNORE = ".gitignore"

# Below this similarity a deleted and a new file are two files: Git's default, 50 %, takes short files for each other.
SAME_FILE = "80%"


@dataclass(frozen=True)
class Merged:
    """The result of a merge in the clone: paths relative to the project's folder."""

    new: list[str]
    changed: list[str]
    gone: list[str]
    conflicts: list[str]
    kept: list[str]  # dropped by the template, and edited by the team
    foreign: list[str]  # the team's, of a repository that was adopted, and in the template as well
    moved: list[str]  # old paths of managed files that the team moved
    staged: str  # the sides of the conflicts, as `git update-index --index-info` takes them


def merge(
    clone: Path,
    base: Path,
    theirs: Path,
    *,
    delete_edited: bool,
    is_own: Callable[[str], bool],
    is_foreign: Callable[[str], bool],
) -> Merged:
    """Merge the changes from the render `base` to the render `theirs` into the clone, and leave the result there.

    A file that one side deleted and the other changed stays as the team has it, unless `delete_edited`; so does a new
    file of the template for which `is_own` holds where the team has one of that name, and each file for which
    `is_foreign` holds: it never was the template's.

    Raises:
        CommandError: a file or link of the team is where the template needs a folder.
    """
    check_folders(clone, theirs)
    original = plain_git(clone, "rev-parse", "HEAD").strip()
    ancestor = commit(clone, tree_with(clone, base))
    ours = commit(clone, plain_git(clone, "rev-parse", "HEAD^{tree}").strip(), ancestor)
    whole = (theirs / PYPROJECT).read_text(encoding="utf-8")
    text, changes = postponed_changes(clone, base, theirs)
    (theirs / PYPROJECT).write_text(text, encoding="utf-8")
    merge_commit(clone, ours, commit(clone, tree_with(clone, theirs), ancestor))
    if PYPROJECT in unmerged(clone):  # what is postponed needs a file that can be parsed
        (theirs / PYPROJECT).write_text(whole, encoding="utf-8")
        merge_commit(clone, ours, commit(clone, tree_with(clone, theirs), ancestor))
    elif changes:
        merged = (clone / PYPROJECT).read_text(encoding="utf-8")
        (clone / PYPROJECT).write_text(applied(merged, changes), encoding="utf-8")
        plain_git(clone, "add", "--", PYPROJECT)
    foreign = [path for path, sides in unmerged(clone).items() if "2" in sides and is_foreign(path)]
    for path in foreign:
        take(clone, path)
    kept = resolve(clone, delete_edited=delete_edited, is_own=is_own)
    return outcome(clone, original, kept, foreign, renames(clone, ancestor, ours))


def postponed_changes(clone: Path, base: Path, theirs: Path) -> tuple[str, list[Change]]:
    """Return the template's `pyproject.toml` without the changes that are made by requirement, and these."""
    texts = [(folder / PYPROJECT).read_text(encoding="utf-8") for folder in (base, clone, theirs)]
    try:
        return postponed(*texts)
    except TOMLKitError:
        return texts[-1], []


def merge_commit(clone: Path, ours: str, template: str) -> None:
    """Merge a commit into another one in the working tree; conflicts are left there."""
    plain_git(clone, "reset", "--quiet", "--hard", ours)
    plain_git(clone, "tag", "--force", "template", template)  # the name is on the markers of conflicts
    settings = ("-c", "merge.directoryRenames=false", "-c", "advice.mergeConflict=false")
    strategy = ("-X", f"find-renames={SAME_FILE}", "-X", "ignore-cr-at-eol")
    try:
        plain_git(clone, *settings, "merge", "--quiet", "--no-commit", *strategy, "template")
    except CommandError:
        if not unmerged(clone):
            raise


def check_folders(clone: Path, theirs: Path) -> None:
    """Check that no file or link is where the template has a folder.

    Raises:
        CommandError: one is.
    """
    folders = {path.relative_to(theirs) for path in theirs.rglob("*") if path.is_dir()}
    in_the_way = [str(path) for path in folders if (clone / path).is_symlink() or (clone / path).is_file()]
    if in_the_way:
        raise CommandError(
            f"{min(in_the_way)} is a file or link here, and the template has files in a folder of that name:"
            " make it a folder of this repository, commit"
        )


def tree_with(clone: Path, render: Path) -> str:
    """Write the commit's tree with the render in place of the project's folder, and return its hash."""
    prefix = plain_git(clone, "rev-parse", "--show-prefix").strip()
    git_dir = plain_git(clone, "rev-parse", "--absolute-git-dir").strip()
    with TemporaryDirectory() as name:
        index = {"GIT_INDEX_FILE": f"{name}/index", "GIT_DIR": git_dir}
        plain_git(render, "add", "--force", "--all", ".", GIT_WORK_TREE=str(render), **index)
        tree = plain_git(render, "write-tree", **index).strip()
        if not prefix:
            return tree
        plain_git(clone, "read-tree", "HEAD", **index)
        plain_git(clone, "rm", "-r", "--quiet", "--cached", "--ignore-unmatch", "--", f":(top){prefix}", **index)
        plain_git(clone, "read-tree", f"--prefix={prefix}", tree, **index)
        return plain_git(clone, "write-tree", **index).strip()


def commit(clone: Path, tree: str, *parents: str) -> str:
    """Return a new commit of a tree."""
    options = [word for parent in parents for word in ("-p", parent)]
    return plain_git(clone, "commit-tree", tree, *options, "-m", "copier-mlops").strip()


def unmerged(clone: Path) -> dict[str, set[str]]:
    """Return the sides (1 base, 2 team, 3 template) of each file that is not merged, by path in the project."""
    sides: dict[str, set[str]] = {}
    for entry in paths(plain_git(clone, "ls-files", "--unmerged", "-z", "--", ".")):
        fields, _, path = entry.partition("\t")
        sides.setdefault(path, set()).add(fields.split()[2])
    return sides


def resolve(clone: Path, *, delete_edited: bool, is_own: Callable[[str], bool]) -> list[str]:
    """Let the team's side win where only one side has the file, and return the files that it keeps so."""
    kept = []
    for path, sides in unmerged(clone).items():
        if "3" not in sides and "2" in sides and not delete_edited:
            kept.append(path)
            take(clone, path)
        elif "2" in sides and "1" not in sides and is_own(path):
            take(clone, path)
        elif not sides >= {"2", "3"} and sides != {"3"}:  # the team deleted it, or it goes
            plain_git(clone, "rm", "--quiet", "--force", "--", path)
    return kept


def take(clone: Path, path: str) -> None:
    """Resolve a conflict by the team's side."""
    plain_git(clone, "checkout", "--quiet", "--ours", "--", path)
    plain_git(clone, "add", "--force", "--", path)


def renames(clone: Path, old: str, new: str) -> list[str]:
    """Return the old path of each file that was moved between two commits."""
    options = (f"-M{SAME_FILE}", "--diff-filter=R", "--name-status", "-z", "--relative")
    fields = paths(plain_git(clone, "diff", *options, old, new))
    return fields[1::3]


def outcome(clone: Path, original: str, kept: list[str], foreign: list[str], moved: list[str]) -> Merged:
    """Return how the index of the clone differs from the original commit."""
    listed = plain_git(clone, "diff", "--cached", "--name-status", "--no-renames", "-z", "--relative", original)
    fields = paths(listed)
    states: dict[str, list[str]] = {}
    conflicts = sorted(unmerged(clone))
    for state, path in zip(fields[::2], fields[1::2], strict=True):
        if path not in conflicts:
            states.setdefault(state, []).append(path)
    return Merged(
        new=states.get("A", []),
        changed=[*states.get("M", []), *states.get("T", [])],
        gone=states.get("D", []),
        conflicts=conflicts,
        kept=kept,
        foreign=foreign,
        moved=moved,
        staged=plain_git(clone, "ls-files", "--unmerged", "-z", "--full-name", "--", "."),
    )


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files of a render by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def remove(folder: Path, names: Iterable[str]) -> None:
    """Delete files of a project, and the folders that are empty then."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        parent = (folder / name).parent
        while parent != folder and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent


def copy(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy files between two folders."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name, follow_symlinks=False)
