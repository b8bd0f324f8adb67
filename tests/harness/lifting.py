"""Lifting a project as its owners do, and comparing what is there with what is expected."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import pytest
import yaml
from copier import VcsRef, run_copy, run_update
from packaging.version import Version
from plumbum import local

import copier_mlops.lift
from copier_mlops.cli import main
from copier_mlops.lift import Request
from harness.shared import Shared
from harness.template import ANSWERS_FILE, Project, git, is_seed, levels, options_at

NOW, LATER, MUCH_LATER = "v999.0.0", "v999.1.0", "v999.2.0"  # the working tree, and versions after it
TOOL = [sys.executable, "-P", "-m", "copier_mlops"]
NEWEST = None  # so Copier takes the newest version that there is

Pair = tuple[int, int]
Kind = dict[str, Any]

LOW, HIGH = levels()[:2]  # of the raise that takes the least time, for tests to which all raises are alike
NEIGHBOURS = list(pairwise(levels()))
JUMPS = [pair for pair in combinations(levels(), 2) if pair not in NEIGHBOURS]
each_raise = pytest.mark.parametrize(("low", "high"), [*NEIGHBOURS, *JUMPS])
# Raising composes, see test_steps_equal_a_jump: what holds between neighbours holds for the jumps.
each_step = pytest.mark.parametrize(
    ("low", "high"), [*NEIGHBOURS, *(pytest.param(*pair, marks=pytest.mark.long) for pair in JUMPS)]
)


def kinds(level: int) -> list[Kind]:
    """Return the default answers, and the first other one to each question of a level: it adds files, if any answer does."""
    return [{}, {name: values[1] for name, values in options_at(level).items()}]


def each_raise_of(kinds: Callable[[int], list[Kind]]) -> pytest.MarkDecorator:
    """Run a test for each raise with each kind of answers to the questions of the higher level; most jumps are `long`."""
    of_neighbours = [(pair, kind, ()) for pair in NEIGHBOURS for kind in kinds(pair[1])]
    of_jumps = [(pair, kind, pytest.mark.long) for pair in JUMPS for kind in kinds(pair[1])]
    rows = [*of_neighbours, *((pair, {}, ()) for pair in JUMPS), *of_jumps]
    return pytest.mark.parametrize(
        ("low", "high", "kind"),
        [pytest.param(*pair, kind, marks=marks, id=named(pair, kind)) for pair, kind, marks in rows],
    )


each_level_of_each_kind = pytest.mark.parametrize(
    ("level", "kind"), [(level, kind) for level in levels() for kind in kinds(level)]
)


def named(pair: Pair, kind: Kind) -> str:
    """Return a name for the raise of a project of a kind."""
    return "-".join(map(str, [*pair, *(kind.values() or ["default"])]))


def releases(listed: str, tags: Iterable[str]) -> list[str]:
    """Return the released versions, the oldest first: those of a list like tests/releases.toml, and tags."""
    return sorted({*read_releases(listed), *tags}, key=Version)


def read_releases(listed: str) -> dict[str, str]:
    """Return the commit of each version in a list like tests/releases.toml."""
    return {release["version"]: release["commit"] for release in tomllib.loads(listed).get("releases", [])}


def tag_releases(repository: Path, listed: str) -> None:
    """Tag the commits of a list like tests/releases.toml in a repository that may lack these tags."""
    for version, commit in read_releases(listed).items():
        git("tag", "--force", version, commit, folder=repository)


@dataclass(frozen=True)
class Lifted:
    """What a lift left behind."""

    conflicts: list[str]
    status: str


def renders(template: Path, shared: Shared) -> Callable[..., Project]:
    """Return what renders a version of a template with the given answers, once for all tests."""

    def rendered(version: str, **answers: Any) -> Project:
        def render(folder: Path) -> Project:
            project = Project(folder / "project", answers)
            run_copy(str(template), project.path, answers, vcs_ref=version, defaults=True, unsafe=True, quiet=True)
            return project

        return shared(render, str(template), version, sorted(answers.items()))

    return rendered


def repository(project: Project, folder: Path) -> Project:
    """Return a copy of a rendered project as a Git repository with one commit."""
    copied = Project(shutil.copytree(project.path, folder), project.answers)
    git("init", "--quiet", folder=copied.path)
    commit(copied, "Start from copier-mlops")
    return copied


def commit(project: Project, subject: str) -> None:
    """Commit all changes, if there are any."""
    git("add", "--all", folder=project.path)
    git("commit", "--quiet", "--allow-empty", "--message", subject, folder=project.path)


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Replace the first place of a text, which must be there."""
    text = project.text(path)
    assert old in text, f"{path} has no {old}"
    (project.path / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def with_answers(project: Project, **answers: str) -> Project:
    """Change lines of the answers file of a project, commit that, and return the project."""
    for name, value in answers.items():
        (line,) = re.findall(rf"^{name}: .*$", project.text(ANSWERS_FILE), re.MULTILINE)
        edit(project, ANSWERS_FILE, line, yaml.safe_dump({name: value}).strip())
    commit(project, "Change the answers file")
    return project


def release(template: Path, version: str) -> None:
    """Commit and tag all changes of a template as a version."""
    git("add", "--all", folder=template)
    git("commit", "--quiet", "--message", version, folder=template)
    git("tag", "--force", version, folder=template)


def release_edit(template: Path, version: str, path: str, old: str, new: str) -> None:
    """Make a version of a template in which a text of one file differs."""
    edit(Project(template, {}), path, old, new)
    release(template, version)


def set_git_settings(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    """Give Git these settings, over those of any file."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (name, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)


def lift(project: Project, level: int | None = None, *, version: str | None = NOW, **data: Any) -> Lifted:
    """Update a clean project as `poe level` does, with the given answers; commit nothing."""
    if level is not None:
        data["maturity_level"] = level
    lowering = data.pop("allow_lowering", False)
    request = Request(
        data, newest=version is NEWEST, version=None if version == NOW else version, delete_edited=lowering
    )
    outcome = copier_mlops.lift.lift(project.path, request)
    assert outcome.merged.conflicts == conflicts(project)
    return Lifted(outcome.merged.conflicts, git("status", "--porcelain", folder=project.path))


def lift_by_copier(
    project: Project, level: int | None = None, *, version: str | VcsRef | None = VcsRef.CURRENT, **data: Any
) -> Lifted:
    """Update a clean project as `copier update` does, with the given answers; commit nothing."""
    if level is not None:
        data["maturity_level"] = level
    run_update(
        project.path,
        data={**data, "fail_on_conflict": False},
        vcs_ref=version,
        defaults=True,
        overwrite=True,
        unsafe=True,
        quiet=True,
    )
    return Lifted(conflicts(project), git("status", "--porcelain", folder=project.path))


def conflicts(project: Project) -> list[str]:
    """Return the files that Git's index has as conflicts."""
    listed = git("diff", "--name-only", "--diff-filter=U", "--relative", folder=project.path)
    return sorted(set(listed.splitlines()))


def level_of(project: Project) -> int:
    """Return the level that the project is at."""
    return yaml.safe_load(project.text(ANSWERS_FILE))["applied_level"]


def tree(project: Project) -> dict[str, bytes]:
    """Return content by path of all files of a project."""
    return {path: (project.path / path).read_bytes() for path in project.files()}


def difference(found: dict[str, bytes], expected: dict[str, bytes]) -> str:
    """Return a line for each file that differs between two trees; empty if they are equal."""
    lines = [f"only in the lifted project: {path}" for path in sorted(found.keys() - expected.keys())]
    lines += [f"missing in the lifted project: {path}" for path in sorted(expected.keys() - found.keys())]
    lines += [f"differs: {path}" for path in sorted(found.keys() & expected.keys()) if found[path] != expected[path]]
    return "\n".join(lines)


def merged(mine: bytes, base: bytes, theirs: bytes, *options: str) -> tuple[bytes, bool]:
    """Return a merge of three versions of a file, and whether there is a conflict in it."""
    with TemporaryDirectory() as name:
        paths = [Path(name, side) for side in ("mine", "base", "theirs")]
        for path, content in zip(paths, (mine, base, theirs), strict=True):
            path.write_bytes(content)
        done = subprocess.run(["git", "merge-file", "--stdout", *options, *paths], capture_output=True, check=False)
    assert done.returncode < 128, done.stderr
    return done.stdout, done.returncode > 0


def expected(
    mine: dict[str, bytes], base: dict[str, bytes], theirs: dict[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """Return what a lift must make of a project, and the files in which edits meet: found without Copier, file by file.

    `base` and `theirs` are fresh renders of what the project was made from and of what it is lifted to.
    """
    files, conflicts = {}, []
    for path in mine.keys() | theirs.keys():
        if path not in theirs:  # the team's own, a file of a level that goes, or a seed of it, which stays
            found = mine[path] if path not in base or is_seed(path) else None
        elif path not in base and path not in mine:
            found = theirs[path]
        elif (path in base and path not in mine) or (
            path in mine and is_seed(path)
        ):  # it was deleted, or is the team's
            found = mine.get(path)
        elif mine[path] == base.get(path):
            found = theirs[path]
        else:
            found, meets = merged(mine[path], base.get(path, b""), theirs[path])
            conflicts += [path] * meets
        if found is not None:
            files[path] = found
    return files, sorted(conflicts)


def run_level(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `copier-mlops level` as `poe level` does, but in the tests' environment: nothing needs to be installed."""
    return run_tool(project.path, "level", *arguments)


def run_tool(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `copier-mlops` in a folder, without a terminal, as a fork of this process, which has imported Copier.

    What a fork does not prove is how the command starts: test_git_settings.py runs it as a process, and test_level_command.py
    and test_wheel.py as users do.
    """
    words = [*map(str, arguments)]
    with TemporaryFile() as out, TemporaryFile() as err:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # this process may have threads
            child = os.fork()
        if not child:
            be_the_tool(folder, words, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())


def be_the_tool(folder: Path, words: list[str], out: int, err: int) -> None:
    """Run the command in this process as Python does, and end."""
    code = 1
    try:
        for descriptor, source in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
            os.dup2(source, descriptor)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate(("r", "w", "w")))
        os.chdir(folder)
        local.env.clear()  # with which Copier runs Git: that of the time of its import
        local.env.update(os.environ)
        main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001, as Python itself ends with it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
