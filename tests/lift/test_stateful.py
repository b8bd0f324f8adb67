"""Whatever a team edits, and however it moves between the levels: no line is lost, none is moved, no conflict is silent."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from lifting import commit, lift, repository, tree
from support import ANSWERS_FILE, SHARED, Project, is_seed, levels

# Where the documentation tells people to edit files that every level writes to: text after which they put their own.
EXTENSION_POINTS = {"README.md": "## Start\n", "pyproject.toml": "[tool.poe.tasks]\n", ".gitignore": "# Yours alone\n"}
COMMENT = {".md": "<!-- {} -->\n", ".toml": "# {}\n", "": "# {}\n", ".py": "# {}\n", ".yaml": "# {}\n"}

tried: Counter[str] = Counter()


class Team(RuleBasedStateMachine):
    """A repository, and what its team must find in it."""

    rendered: dict[int, Project]
    folder: Path

    @initialize(level=st.sampled_from(levels()))
    def start(self, level: int) -> None:
        """Make a project."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.level = level
        self.project = repository(self.rendered[level], self.folder)
        self.own_lines: dict[str, list[str]] = {}
        self.deleted: set[str] = set()
        tried["sequences"] += 1

    def template_files(self) -> list[str]:
        """Return the files of the template that are still there, without those that a machine writes."""
        kept = set(self.project.files()) & set(self.rendered[self.level].files())
        return sorted(path for path in kept - {ANSWERS_FILE} if Path(path).suffix in COMMENT)

    def add(self, path: str, after: str, line: str) -> None:
        """Put a line of the team's into a file behind some text of it."""
        text = self.project.text(path)
        assert after in text
        (self.project.path / path).write_text(text.replace(after, after + line, 1), encoding="utf-8")
        self.own_lines.setdefault(path, []).append(line.strip())
        commit(self.project, f"Edit {path}")
        tried["edits"] += 1

    @rule(path=st.sampled_from(sorted(EXTENSION_POINTS)), number=st.integers(0, 999))
    def edit_at_an_extension_point(self, path: str, number: int) -> None:
        """Add a line where the documentation says that it belongs to the team."""
        self.add(path, EXTENSION_POINTS[path], COMMENT[Path(path).suffix].format(f"ours {number}"))

    @rule(choice=st.randoms(use_true_random=False), number=st.integers(0, 999))
    def edit_any_other_file(self, choice: random.Random, number: int) -> None:
        """Add a line anywhere in a file that one level alone writes."""
        path = choice.choice([path for path in self.template_files() if path not in SHARED])
        lines = self.project.text(path).splitlines(keepends=True)
        if lines:
            where = choice.randrange(1, len(lines) + 1)
            before = "".join(lines[:where])
            self.add(path, before, COMMENT[Path(path).suffix].format(f"ours {number}"))

    @rule(choice=st.randoms(use_true_random=False))
    def delete_a_seed(self, choice: random.Random) -> None:
        """Delete a file that belongs to the team."""
        if seeds := [path for path in self.template_files() if is_seed(path)]:
            path = choice.choice(seeds)
            (self.project.path / path).unlink()
            self.deleted.add(path)
            self.own_lines.pop(path, None)
            commit(self.project, f"Delete {path}")
            tried["deletions"] += 1

    @rule(number=st.integers(0, 9))
    def write_an_own_file(self, number: int) -> None:
        """Add a file that the template does not know."""
        path = f"src/customer_churn/ours_{number}.py"
        (self.project.path / path).write_text(f"OURS = {number}\n", encoding="utf-8")
        self.own_lines[path] = [f"OURS = {number}"]
        commit(self.project, f"Write {path}")
        tried["own files"] += 1

    @precondition(lambda self: self.level < levels()[-1])
    @rule(data=st.data())
    def raise_level(self, data: st.DataObject) -> None:
        """Raise the project: nothing may conflict, since no level writes where the team does."""
        self.move(data.draw(st.sampled_from([level for level in levels() if level > self.level])))

    @precondition(lambda self: self.level > levels()[0])
    @rule(data=st.data())
    def lower_level(self, data: st.DataObject) -> None:
        """Lower the project: managed files of the higher level go with their edits, as the documentation says."""
        target = data.draw(st.sampled_from([level for level in levels() if level < self.level]))
        going = set(self.rendered[self.level].files()) - set(self.rendered[target].files())
        for path in going:
            if not is_seed(path):
                self.own_lines.pop(path, None)
        self.move(target)

    def move(self, level: int) -> None:
        """Lift to a level and see that everything is where it should be."""
        before = self.level
        returning = {
            path for path in self.own_lines.keys() | self.deleted
            if is_seed(path) and path not in self.rendered[before].files() and path in self.rendered[level].files()
        }  # fmt: skip
        lifted = lift(self.project, level, allow_lowering=True)
        self.level = level
        tried["lifts"] += 1
        # A seed that survived lowering with edits meets the template's when its level comes back: that must show.
        assert set(lifted.conflicts) <= returning, lifted.conflicts
        for path in lifted.conflicts:
            tried["conflicts shown"] += 1
            self.project.run("git", "checkout", "--ours", "--", path)
        commit(self.project, f"Level {level}")
        self.deleted -= returning
        self.everything_is_there()

    def everything_is_there(self) -> None:
        """Compare the project with a fresh render: nothing but the team's own lines may differ."""
        found, fresh = tree(self.project), tree(self.rendered[self.level])
        for path, lines in self.own_lines.items():
            text = found[path].decode()
            missing = [line for line in lines if line not in text]
            tried["lost"] += len(missing)
            assert not missing, f"{path} lost {missing}"
        for path in fresh.keys() - self.deleted:
            own = self.own_lines.get(path, [])
            template = [line for line in found[path].decode().splitlines() if line not in own]
            assert template == [line for line in fresh[path].decode().splitlines() if line not in own], path


def run_team(render, tmp_path: Path, capsys, sequences: int) -> None:
    """Play `sequences` histories."""
    Team.rendered = {level: render(maturity_level=level) for level in levels()}
    Team.folder = tmp_path / "project"
    tried.clear()
    run_state_machine_as_test(
        Team,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    with capsys.disabled():
        print("", ", ".join(f"{number} {what}" for what, number in tried.items()), f"{tried['lost']} lines lost; ")
    assert tried["sequences"] >= sequences
    assert tried["lifts"] > 0
    assert tried["lost"] == 0


def test_histories(render, tmp_path, capsys):
    run_team(render, tmp_path, capsys, 20)


@pytest.mark.long
def test_many_histories(render, tmp_path, capsys):
    run_team(render, tmp_path, capsys, 200)
