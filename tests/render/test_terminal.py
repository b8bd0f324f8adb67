"""The questions as a terminal of 80 columns shows them, which cuts what is longer."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

import pytest
from harness.template import environment, visible_questions

COLUMNS = 80
ENTER, CLEAR = "\r", "\x05\x15"  # to the end of the line, and delete it
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|[\r\b]")
PATIENCE = 20  # seconds without a character
# What no user may answer, and what the error has to show then. Fields of one line cannot take what spans two.
REMEDIES = {
    "project_name": ("顧客", "use a Latin letter or a digit"),
    "project_slug": ("Bad Slug_", "use a-z, 0-9 and single hyphens"),
    "package_name": ("2churn", "use a-z, 0-9, _; start with a-z"),
    "project_description": (" ", "write one line of text"),
    "author": ("<ada@example.com>", "write Ada Lovelace <ada@example.com>"),
    "owner": ("my org/team", "write `octocat` or `organization/team`"),
    "repository_url": ("github.com/octocat", "use https://HOST/OWNER/NAME"),
    "data_remote_url": ("my-bucket", "write s3://bucket/folder"),
}
UP, DOWN = "\x1b[A", "\x1b[B"
ARROWS = {"maturity_level": DOWN * 2, "data_remote": DOWN}  # level 3, and a bucket, so that all questions are asked


class Terminal:
    """A terminal of 80 columns and 24 lines in which a program runs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._printed = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> str:
        """Return what is printed from here up to `text`; fail if the program prints no more."""
        while text not in self._printed:
            ready, _, _ = select([self._descriptor], [], [], PATIENCE)
            chunk = b""
            with suppress(OSError):  # Linux reports so that the program has ended
                chunk = os.read(self._descriptor, 65536) if ready else b""
            assert chunk, f"{text!r} is not on the screen:\n{self._printed}"
            self._printed += CONTROL.sub("", chunk.decode(errors="replace"))
        found, _, self._printed = self._printed.partition(text)
        return found + text


@contextmanager
def running(*command: str | Path) -> Iterator[Terminal]:
    """Run a program in a terminal."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    variables = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": "24",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    process = subprocess.Popen(
        list(map(str, command)), stdin=its, stdout=its, stderr=its, start_new_session=True, env=variables
    )
    os.close(its)
    try:
        yield Terminal(ours)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


@pytest.fixture
def copying(template: Path, tmp_path: Path) -> Callable[[], object]:
    """Start `copier copy` in a terminal."""
    command = (sys.executable, "-m", "copier", "copy", "--trust", "--quiet", template, tmp_path / "project")
    return lambda: running(*command)


def lines_of(name: str) -> list[str]:
    """Return the lines of a question's help."""
    text = str(visible_questions()[name]["help"])
    answers = {"project_slug": "customer-churn"}
    return [line.strip() for line in environment().from_string(text).render(answers).strip().splitlines()]


def choices_of(name: str) -> list[str]:
    choices = visible_questions()[name].get("choices", {})
    return [*choices]


def test_every_question_is_shown_whole_and_every_error_with_what_to_do(copying):
    asked = []
    with copying() as terminal:
        for name in visible_questions():
            for line in [*lines_of(name), *choices_of(name)]:
                terminal.wait_for(line)
            if name in REMEDIES:
                bad, remedy = REMEDIES[name]
                terminal.type(CLEAR + bad + ENTER)
                terminal.wait_for(f"'{name}': {remedy}")
                terminal.type(CLEAR + good(name))
            terminal.type(ARROWS.get(name, "") + ENTER)
            asked.append(name)
    assert asked == [*visible_questions()]
    texts = {name for name in visible_questions() if not choices_of(name)}
    assert texts == REMEDIES.keys(), "each text has an answer that is refused"


def good(name: str) -> str:
    """Return an answer that is accepted."""
    answers = {
        "project_name": "Customer churn",
        "project_slug": "customer-churn",
        "package_name": "customer_churn",
        "project_description": "Predicts.",
        "author": "Ada Lovelace <ada@example.com>",
        "owner": "octocat",
        "repository_url": "git@github.com:octocat/customer-churn.git",
        "data_remote_url": "s3://customer-churn-data",
    }
    return answers[name]


def test_what_decides_most_is_asked_first():
    first = [*visible_questions()][:4]
    assert first == ["project_name", "maturity_level", "problem_type", "framework"]


def test_new_counts_its_questions_and_lists_folders_instead_of_files(template, tmp_path):
    tool = Path(sys.executable).with_name("copier-mlops")
    with running(tool, "new", "--template", template, tmp_path / "project") as terminal:
        counted = terminal.wait_for("Ctrl+C ends without a trace.")
        for name in visible_questions():
            terminal.wait_for(lines_of(name)[0])
            terminal.type((UP if name == "maturity_level" else "") + ENTER)
            if name == "owner":
                break
        printed = terminal.wait_for("is ready at level 0 (Manual)")
        terminal.wait_for("uv run poe train")
    asked = [*visible_questions()].index("owner") + 1
    assert f"{asked} questions at level 0" in counted
    assert "  notebooks" in printed
    assert "create" not in printed
    assert printed.count("\n") < 24, "the questions are still on the screen"
