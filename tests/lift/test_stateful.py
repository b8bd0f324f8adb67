"""Whatever a team edits, and however it moves between levels and versions: no line is lost or moved, no conflict is silent."""

import re
import shutil
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path

import pytest
from harness.lifting import MUCH_LATER, NOW, commit, difference, expected, lift, merged, repository, tree
from harness.template import ANSWERS_FILE, SHARED, Project, levels
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

OURS = re.compile(rb"ours \d+")
KINDS = ["add a line"] * 4 + ["change a line", "delete a line", "delete a file", "rewrite a file", "write a file"]
WORK = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=12)

tried: Counter[str] = Counter()


class Team(RuleBasedStateMachine):
    """A repository, and what its team does to it."""

    render: Callable[[str, int], Project]
    folder: Path

    @initialize(level=st.sampled_from(levels()))
    def start(self, level: int) -> None:
        """Make a project."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.level, self.version = level, NOW
        self.project = repository(self.render(NOW, level), self.folder)
        self.numbers = count()
        tried["sequences"] += 1

    @rule(edits=WORK, number=st.integers(0, 99))
    def work_and_lift(self, edits: list[tuple[str, int, int]], number: int) -> None:
        """Edit files wherever that may be, commit, and go to another level or take the next version, or both."""
        for kind, file, line in edits:
            self.edit(kind, file, line)
        commit(self.project, "Work")
        versions = [NOW, MUCH_LATER] if self.version == NOW else [MUCH_LATER]
        moves = [(version, level) for version in versions for level in levels()]
        moves.remove((self.version, self.level))
        if moves:
            self.lift(*moves[number % len(moves)])

    def edit(self, kind: str, file: int, line: int) -> None:
        """Make an edit in one of the files; the numbers choose file and line among those that there are."""
        text = f"# ours {next(self.numbers)}\n"
        known = self.render(self.version, levels()[-1]).files()  # those of higher levels too: the team may be the first
        paths = known if kind == "write a file" else [path for path in self.project.files() if path in known]
        if kind == "delete a file":  # without those that every level writes to, a project is none of the template
            paths = [path for path in paths if path not in SHARED]
        paths = [path for path in paths if path != ANSWERS_FILE]
        path = self.project.path / paths[file % len(paths)]
        if kind == "delete a file":
            path.unlink()
        elif kind == "rewrite a file":
            path.write_text(text, encoding="utf-8")
        elif kind == "write a file":
            path = path if not path.exists() else path.with_name(f"ours_{file}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            where = line % (len(lines) + 1)
            until = where if kind == "add a line" else where + 1
            lines[where:until] = [] if kind == "delete a line" else [text]
            path.write_text("".join(lines), encoding="utf-8")
        tried["edits"] += 1

    def lift(self, version: str, level: int) -> None:
        """Lift, and see that each file is what a merge of three versions makes of it, and each conflict is shown."""
        mine, base, theirs = (
            tree(project)
            for project in (self.project, self.render(self.version, self.level), self.render(version, level))
        )
        files, conflicts = expected(mine, base, theirs)
        lifted = lift(self.project, level, version=version, allow_lowering=True)
        self.level, self.version = level, version
        tried["lifts"] += 1
        assert lifted.conflicts == conflicts
        found = tree(self.project)
        self.count_lost({path: mine[path] for path in mine.keys() & files.keys()}, found)
        for path in conflicts:
            kind = "the same lines" if meets(mine[path], base.get(path), theirs[path]) else "adjacent lines"
            tried[f"conflicts in {kind}"] += 1
            found[path] = resolved(mine[path], base.get(path), theirs[path])
            files[path] = found[path]
            (self.project.path / path).write_bytes(found[path])
        assert difference(found, files) == ""
        commit(self.project, f"Level {level} of {version}")

    def count_lost(self, mine: dict[str, bytes], found: dict[str, bytes]) -> None:
        """See that each line of the team's is where it was, conflict or not: a level that goes alone may take its own files."""
        for path, text in mine.items():
            missing = set(OURS.findall(text)) - set(OURS.findall(found.get(path, b"")))
            tried["lines looked for"] += len(set(OURS.findall(text)))
            tried["lines lost"] += len(missing)
            assert not missing, f"{path} lost {missing}"


def meets(mine: bytes, base: bytes | None, theirs: bytes) -> bool:
    """Return whether both sides changed a line of the base, or added lines at one place; if not, a conflict is needless."""
    if base is None:
        return True
    lines = base.splitlines()
    ours, new = (
        [
            (start, end)
            for tag, start, end, _, _ in SequenceMatcher(None, lines, side, autojunk=False).get_opcodes()
            if tag != "equal"
        ]
        for side in (mine.splitlines(), theirs.splitlines())
    )
    return any((a < d and c < b) or (a, b) == (c, d) for a, b in ours for c, d in new)


def resolved(mine: bytes, base: bytes | None, theirs: bytes) -> bytes:
    """Return what a team makes of a conflict: its own file, or both sides of each part that is contested."""
    return mine if base is None else merged(mine, base, theirs, "--union")[0]


def run_team(render_version, tmp_path: Path, capsys, sequences: int) -> None:
    """Play `sequences` histories."""
    Team.render = staticmethod(lambda version, level: render_version(version, maturity_level=level))
    Team.folder = tmp_path / "project"
    tried.clear()
    run_state_machine_as_test(
        Team,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=3,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    with capsys.disabled():
        print("", ", ".join(f"{number} {what}" for what, number in tried.items()), end="; ")
    assert tried["sequences"] >= sequences
    assert tried["lifts"] > 0
    assert tried["lines lost"] == 0


def test_histories(render_version, tmp_path, capsys):
    run_team(render_version, tmp_path, capsys, 20)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_many_histories(render_version, tmp_path, capsys):
    run_team(render_version, tmp_path, capsys, 200)
