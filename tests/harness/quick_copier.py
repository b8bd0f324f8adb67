"""What makes Copier quick where it renders a template again and again; what it renders is the same.

As a program, it runs a module (-m NAME) or a script that uses Copier, with the arguments that follow.
"""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copier._main import Worker
from copier._vcs import get_git
from jinja2 import Environment
from plumbum import ProcessExecutionError

QUICKLY = [sys.executable, __file__]
Patch = Callable[[Any, str, Any], None]  # setattr, or that of pytest, which is undone


def make_quick(patch: Patch) -> None:
    """Let Copier do once what it repeats for each file or render."""
    keep_compiled_templates(patch)
    ask_git_once_for_each_render(patch)
    compute_the_context_once_for_each_render(patch)


def keep_compiled_templates(patch: Patch) -> None:
    """Compile each template once: Copier compiles the same paths and files three times in each lift, a third of its time.

    It is safe because what Jinja compiles depends on nothing but the source, the name, and the syntax and extensions of
    the environment, which are the key; filters, globals and answers are looked up when a template is rendered.
    """
    compiled: dict[Any, Any] = {}
    compile_again = Environment.compile

    def compile_once(
        self: Environment, source: str, name: str | None = None, filename: str | None = None, *flags: Any, **more: Any
    ) -> Any:
        syntax = (self.line_statement_prefix, self.variable_start_string, self.block_start_string, *self.extensions)
        key = (source, name, syntax, flags, *more.items())
        if key not in compiled:
            compiled[key] = compile_again(self, source, name, filename, *flags, **more)
        return compiled[key]

    patch(Environment, "compile", compile_once)


def ask_git_once_for_each_render(patch: Patch) -> None:
    """Look Git's `core.fileMode` up once for each render, not for each of its files: a process each, 130 at level 1.

    It is safe because no render changes that setting; where it is false, Copier does what it always does.
    """
    sync_again = Worker._sync_git_index_executable_bit

    def sync(self: Worker, path: Path, mode: int) -> None:
        known = vars(self)
        if "_modes_are_ignored" not in known:
            known["_modes_are_ignored"] = modes_are_ignored(self.subproject.local_abspath)
        if known["_modes_are_ignored"]:
            sync_again(self, path, mode)

    patch(Worker, "_sync_git_index_executable_bit", sync)


def compute_the_context_once_for_each_render(patch: Patch) -> None:
    """Combine the answers once for all files of a render, not for each part of each path: 4,000 times at level 2.

    It is safe because no answer changes while files are rendered: questions come before, tasks after.
    """
    render_again, compute_again, find_again = Worker._render_template, Worker._render_context, Worker.answers_relpath

    def render(self: Worker) -> None:
        vars(self).update(_context=compute_again(self), _answers_file=find_again.__get__(self))
        try:
            render_again(self)
        finally:
            del vars(self)["_context"], vars(self)["_answers_file"]

    def context(self: Worker) -> Any:
        known = vars(self).get("_context")
        return compute_again(self) if known is None else {**known}

    def answers_file(self: Worker) -> Path:
        return vars(self).get("_answers_file") or find_again.__get__(self)

    patch(Worker, "_render_template", render)
    patch(Worker, "_render_context", context)
    patch(Worker, "answers_relpath", property(answers_file))


def modes_are_ignored(folder: Path) -> bool:
    """Return whether Git does not look at the executable bits of files in `folder`."""
    try:
        return get_git(context_dir=folder)("config", "--type=bool", "--get", "core.fileMode").strip() == "false"
    except ProcessExecutionError:  # it is no repository, or the setting has its default
        return False


if __name__ == "__main__":
    make_quick(setattr)
    sys.argv.pop(0)
    if sys.argv[0] == "-m":
        sys.argv.pop(0)
        del sys.path[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")
