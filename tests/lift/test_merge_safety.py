"""Any line of a file that is edited: after a lift the edit is where it belongs, or the patch is rejected.

Copier applies the edits to the new version as a patch, and a patch may fit in a wrong place without a message. For each
line of each file that a lift changes, this does what Copier does and looks where the edit went.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from subprocess import CalledProcessError

from harness.lifting import each_raise, tree
from harness.template import git

MARK = "edited by the team"


@dataclass(frozen=True)
class Edit:
    """An edit of the old text and the places of the new text in which it may end up."""

    what: str
    old: list[str]
    expected: list[list[str]]


def places(old: list[str], new: list[str]) -> dict[int, int]:
    """Return where each line of `old` that is still there is in `new`."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + offset: block.b + offset for block in blocks for offset in range(block.size)}


def edits(old: list[str], new: list[str]) -> Iterator[Edit]:
    """Yield a change of each line, and a new line after each."""
    there = places(old, new)
    for number, line in enumerate(old):
        changed = [*old[:number], f"{line} {MARK}", *old[number + 1 :]]
        target = there.get(number)
        kept = [] if target is None else [[*new[:target], f"{line} {MARK}", *new[target + 1 :]]]
        yield Edit(f"line {number + 1} changed", changed, kept)
        after = [] if target is None else [target + 1]
        before = [there[number + 1]] if number + 1 in there else []
        inserted = [[*new[:place], MARK, *new[place:]] for place in {*after, *before}]
        yield Edit(f"line added after {number + 1}", [*old[: number + 1], MARK, *old[number + 1 :]], inserted)


def write(folder: Path, texts: list[list[str]]) -> None:
    for number, text in enumerate(texts):
        (folder / f"{number}").write_text("\n".join(text) + "\n", encoding="utf-8")


def misplaced(folder: Path, old: list[str], new: list[str]) -> list[str]:
    """Return the edits of `old` that Copier's patch puts into a wrong place of `new` without a message."""
    tried = list(edits(old, new))
    git("init", "--quiet", folder=folder)
    write(folder, [old] * len(tried))
    git("add", ".", folder=folder)
    before = git("write-tree", folder=folder).strip()
    write(folder, [edit.old for edit in tried])
    git("add", ".", folder=folder)
    after = git("write-tree", folder=folder).strip()
    patch = git("diff-tree", "-U3", "--inter-hunk-context=-1", "--binary", before, after, folder=folder)
    write(folder, [new] * len(tried))
    (folder / "edits.patch").write_text(patch, encoding="utf-8")
    with suppress(CalledProcessError):  # of the edits that Git rejects
        git("apply", "--reject", "edits.patch", folder=folder)
    return [
        edit.what
        for number, edit in enumerate(tried)
        if not (folder / f"{number}.rej").exists()
        and (folder / f"{number}").read_text(encoding="utf-8").splitlines() not in edit.expected
    ]


def shared_files(render, low: int, high: int) -> dict[str, tuple[list[str], list[str]]]:
    """Return the lines before and after of each file that a lift changes."""
    lower, higher = tree(render(maturity_level=low)), tree(render(maturity_level=high))
    return {
        path: (lower[path].decode().splitlines(), higher[path].decode().splitlines())
        for path in lower
        if lower[path] != higher.get(path)
    }


@each_raise
def test_no_edit_of_a_shared_file_goes_astray(render, tmp_path, low, high):
    files = shared_files(render, low, high)
    assert files, "a lift changes some files"
    for number, (path, (old, new)) in enumerate(files.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert misplaced(folder, old, new) == [], path


def test_this_finds_an_edit_that_goes_astray(tmp_path):
    service = ["  image: app", "  environment:", "    LOG_LEVEL: info", "    TZ: UTC", "  restart: always"]
    assert misplaced(tmp_path, ["app:", *service], ["mlflow:", *service, "app:", *service]) != []
