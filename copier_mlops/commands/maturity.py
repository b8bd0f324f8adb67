"""`copier-mlops maturity`: grade any repository, and name the next step."""

import argparse
import sys
from datetime import date
from pathlib import Path

from copier_mlops.errors import CommandError
from copier_mlops.git import clone_of, git, plain_git
from copier_mlops.maturity.assessment import ATTESTATIONS, Assessment, assess, level_name
from copier_mlops.maturity.output import FORMATS, description
from copier_mlops.maturity.probes import Probe, probes
from copier_mlops.maturity.repository import Repository

EPILOG = f"""A level counts what a task, workflow or pipeline runs. What no file shows, {ATTESTATIONS} may say:
[attest.ML118]
by = "Ada"
until = 2027-01-31
why = "the incident handbook is in the wiki"
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "maturity",
        help="grade a repository, made by the template or not: offline, in seconds, without running its code",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", default=".", help="a folder; or `list` for all probes")
    parser.add_argument(
        "--describe", metavar="ID", help="print what a probe asks, why, and how it looks for the answer"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file")
    parser.add_argument("--fail-under", type=int, metavar="LEVEL", help="exit with code 1 below this level")
    parser.add_argument(
        "--diff", metavar="REVISION", help="exit with code 1 if an answer was yes there and is not here"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code."""
    if options.describe:
        print(description(_probe(options.describe)))
        return 0
    if options.path == "list":
        print("\n".join(f"{one.id}  level {one.level}  {one.question}" for one in probes()))
        return 0
    found = assess(Repository(Path(options.path)), date.today())
    text = FORMATS[options.format](found)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
        print(f"{options.output}: {found.title}")
    else:
        print(text)
    lost = _lost(found, Path(options.path), options.diff) if options.diff else []
    for line in lost:
        print(line, file=sys.stderr)
    below = options.fail_under is not None and (found.level is None or found.level < options.fail_under)
    if below:
        print(f"{level_name(found.level)} is below {level_name(options.fail_under)}", file=sys.stderr)
    return 1 if below or lost else 0


def _probe(name: str) -> Probe:
    for probe in probes():
        if probe.id == name.upper():
            return probe
    raise CommandError(f"there is no probe {name}: `copier-mlops maturity list` names all")


def _lost(found: Assessment, path: Path, revision: str) -> list[str]:
    """Return a line for each answer that was yes at a revision and is not yes now.

    Raises:
        CommandError: there is no such revision.
    """
    try:
        commit = git(path, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except CommandError as error:
        raise CommandError(f"there is no commit {revision}") from error
    with clone_of(path) as clone:
        plain_git(clone, "checkout", "--quiet", commit)
        before = assess(Repository(clone), date.today())
    was = {one.probe.id for one in before.findings if one.answer == "yes"}
    return [
        f"{one.probe.id} was yes at {revision}, and is {one.answer} now: {one.probe.question}"
        for one in found.findings
        if one.probe.id in was and one.answer != "yes"
    ]
