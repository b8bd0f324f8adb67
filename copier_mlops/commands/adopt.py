"""`copier-mlops adopt`: lay a level of the template over a repository that was there before."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from copier_mlops.adoption.adopt import Adoption, Source, adopt
from copier_mlops.answers import add_answer_options, parse_data
from copier_mlops.commands.level import print_move, show
from copier_mlops.git import git
from copier_mlops.source import add_source_options, template_source


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "adopt", help="lay a level over a repository of your own, whose files stay as they are"
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="the repository; default: this folder")
    parser.add_argument(
        "--level", type=int, default=0, help="default: 0, which adds the least; `poe level` lifts it later"
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what comes, and what is yours already")
    parser.add_argument("--no-verify", action="store_true", help="commit without running Git hooks")
    add_source_options(parser)
    add_answer_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand and return the exit code."""
    data: dict[str, Any] = {**parse_data(options.data), "maturity_level": options.level}
    source = Source(
        template=options.template or template_source(),
        version=options.vcs_ref,
        data=data,
        ask=sys.stdin.isatty() and not options.defaults,
    )
    adoption = adopt(options.folder, source, dry_run=options.dry_run, verify=not options.no_verify)
    print_adoption(adoption)
    if not options.dry_run:
        print_next_steps(options.folder, adoption)
    return 0


def print_adoption(adoption: Adoption) -> None:
    """Print what comes, and what is the team's."""
    package = adoption.answers["package_name"]
    show("New files", by_folder(adoption.new))
    show("Lines added to", list(adoption.blocks))
    show("Yours stay, the template has them too: `uv run poe level --show FILE` compares", adoption.theirs)
    show("To do by hand", adoption.notes)
    print(f"Your code that src/{package}/modeling could call:")
    for module, found in adoption.functions.items():
        print(f"  {module}:", *(found or ["nothing was found"]), sep="\n    ")


def by_folder(files: list[str], most: int = 4) -> list[str]:
    """Return the files, or for a folder with many of them one line."""
    folders: dict[str, list[str]] = {}
    for path in files:
        folders.setdefault("/".join(path.split("/")[:2]) if path.count("/") > 1 else path, []).append(path)
    return [
        line
        for folder, inside in folders.items()
        for line in (inside if len(inside) < most else [f"{folder}/ ({len(inside)} files)"])
    ]


def print_next_steps(folder: Path, adoption: Adoption) -> None:
    """Print how to go on, and how to undo all."""
    change = "" if folder.resolve() == Path.cwd() else f"  cd {shlex.quote(str(folder))}\n"
    print(
        "\nOne commit, undone by: git revert --no-edit HEAD\n\nNext:\n\n"
        f"{change}  uv sync\n  git add uv.lock && git commit -m 'Lock the environment'\n  uv run poe train\n\n"
        "This trains on example data; docs/adopted.md has the steps to your own."
    )
    print_move(git(folder, "rev-parse", "--show-prefix").strip(), adoption.new)
