"""`copier-mlops update`: take the newest version of the template, check the result, and propose it as a pull request."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from copier_mlops import proposal
from copier_mlops.commands.level import print_next_steps, print_outcome
from copier_mlops.lift import Request, lift
from copier_mlops.report import Check

# What is run on the result, until the project cannot be installed: the team's own tasks win over those of the template.
CHECKS = ("uv sync", "uv run poe lint", "uv run poe test")
INSTALL, *_ = CHECKS
# The environment of this command, and the token with which the workflow reads a private template.
WITHHELD = {"VIRTUAL_ENV", "TEMPLATE_TOKEN"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "update", help="take the newest version of the template, keep all edits, and run lint and tests"
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--propose", metavar="FOLDER", type=Path, help="write a commit and the text of its pull request to a folder"
    )
    ways.add_argument(
        "--open", metavar="FOLDER", type=Path, help="push what is in the folder, and open the pull request"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand in the current folder and return its exit code."""
    folder = Path.cwd()
    if options.open:
        print(proposal.open_pull_request(folder, options.open))
        return 0
    outcome = lift(folder, Request(newest=True, ask=sys.stdin.isatty() and not options.propose))
    print_outcome(outcome)
    if outcome.is_nothing:
        print_next_steps(outcome)
        return 0
    if options.propose:
        proposal.stage(folder, outcome.merged)
    checks = [] if outcome.merged.conflicts else check(folder)
    if options.propose:
        proposal.write(folder, outcome, checks, options.propose)
        print(f"\n{options.propose} has the update and the text of its pull request.")
        return 0
    print_next_steps(outcome)
    failed = [each.command for each in checks if not each.passed]
    for command in failed:
        print(f"`{command}` failed on the result; its output is above.")
    return 1 if outcome.merged.conflicts or failed else 0


def check(folder: Path) -> list[Check]:
    """Run the project's own checks on the result of an update."""
    environment = {name: value for name, value in os.environ.items() if name not in WITHHELD} | {"NO_COLOR": "1"}
    checks: list[Check] = []
    for command in CHECKS:
        print(f"\n$ {command}", flush=True)
        done = subprocess.run(
            command.split(),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        print(done.stdout, end="")
        checks.append(Check(command, not done.returncode, done.stdout))
        if done.returncode and command == INSTALL:
            break
    return checks
