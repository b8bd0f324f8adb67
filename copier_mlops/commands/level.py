"""`copier-mlops level`: list the levels, raise a project to one, or take a newer version of the template."""

import argparse
import sys
from pathlib import Path
from typing import Any

from copier_mlops import lift
from copier_mlops.answers import add_answer_options, parse_data, read_answers
from copier_mlops.catalogue import levels
from copier_mlops.git import UNDO, override_settings


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser("level", help="list the levels, or lift this project to one and keep all edits")
    parser.add_argument("level", nargs="?", type=int, help="the level to lift to; without it, list the levels")
    parser.add_argument("--update", action="store_true", help="take the newest version of the template")
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the changes; exit code 1 if there are conflicts"
    )
    parser.add_argument("--allow-lowering", action="store_true", help="delete the files of the levels above")
    add_answer_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand in the current folder and return its exit code."""
    folder = Path.cwd()
    override_settings()
    data: dict[str, Any] = parse_data(options.data)
    if options.level is None and not options.update and not data:
        list_levels(read_answers(folder).get("applied_level", 0))
        return 0
    if options.level is not None:
        data |= {"maturity_level": options.level, "allow_lowering": True}
    request = lift.Request(data, newest=options.update, ask=sys.stdin.isatty() and not options.defaults)
    coming = lift.lift(folder, request, dry_run=options.dry_run, allow_lowering=options.allow_lowering)
    if not options.dry_run:
        print_next_steps(coming)
    return 1 if coming.conflicts else 0


def list_levels(present: int) -> None:
    """Print the levels, with a mark at the project's."""
    for each in levels():
        mark = "->" if each["number"] == present else "  "
        print(f"{mark} {each['number']} {each['name']}: {each['summary']}" + ("" if each["released"] else " (planned)"))
    print("\n`uv run poe level N` lifts to level N; add --dry-run to list the changes only.")


def print_next_steps(coming: lift.Outcome) -> None:
    """Print what the level adds, and the next steps."""
    if coming.is_nothing:
        print("Nothing to do: the repository is up to date with the template.")
        return
    if coming.changes_level:
        print_capabilities(coming.answers["applied_level"])
    if coming.conflicts:
        print("\nFirst resolve the conflicts: between the markers are your lines, then the template's.")
    print(f"\nNow: uv sync, read `git diff`, then git add . && git commit. To undo all instead: {UNDO}")


def print_capabilities(number: int) -> None:
    """Print the capabilities of a level."""
    level = levels()[number]
    print(f"\nLevel {number} ({level['name']}): {level['summary']}.\n")
    for capability in level.get("capabilities", []):
        command = f"uv run poe {capability['task']}" if "task" in capability else ""
        print(f"  {command:22} {capability['name']}: {capability['what']}")
