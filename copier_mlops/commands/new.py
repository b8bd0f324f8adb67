"""`copier-mlops new`: make a project, as `copier copy --trust` does, from the template that this tool belongs to."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from copier import run_copy

from copier_mlops.answers import add_answer_options, parse_data
from copier_mlops.errors import CommandError, copier_errors
from copier_mlops.progress import folders_only
from copier_mlops.source import add_source_options, template_source


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser("new", help="create a project")
    parser.add_argument("destination", type=Path, help="the folder to create it in")
    parser.add_argument("--level", type=int, help="the level to start at")
    add_source_options(parser)
    add_answer_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Make the project and return the exit code.

    Raises:
        CommandError: the destination is in use, or the template cannot be fetched or does not accept an answer.
    """
    data: dict[str, Any] = parse_data(options.data)
    if options.level is not None:
        data["maturity_level"] = options.level
    if is_in_use(options.destination):
        raise CommandError(f"{options.destination} is not an empty folder: choose another")
    copy = partial(
        run_copy,
        options.template or template_source(),
        options.destination,
        data=data,
        vcs_ref=options.vcs_ref,
        unsafe=True,
    )
    with copier_errors():
        if options.data:  # Copier ignores an answer to a question that it does not have
            known = copy(defaults=True, pretend=True, quiet=True).template.questions_data
            if unknown := sorted(data.keys() - known.keys()):
                asked = [name for name, question in known.items() if question.get("when") is not False]
                raise CommandError(f"there is no question {', '.join(unknown)}; there are {', '.join(asked)}")
        with folders_only():
            copy(defaults=options.defaults or not sys.stdin.isatty())
    return 0


def is_in_use(folder: Path) -> bool:
    """Return whether the folder has content other than an empty Git repository."""
    return folder.exists() and (not folder.is_dir() or any(path.name != ".git" for path in folder.iterdir()))
