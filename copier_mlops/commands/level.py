"""`copier-mlops level`: list the levels, raise a project to one, or take a newer version of the template."""

import argparse
import shlex
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Any

from copier_mlops.answers import add_answer_options, parse_data, read_answers
from copier_mlops.catalogue import levels
from copier_mlops.errors import CommandError
from copier_mlops.git import UNDO, git
from copier_mlops.lift import Outcome, Request, lift, renamed, renders_of
from copier_mlops.rendering import level_of


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the subcommand."""
    parser = subparsers.add_parser("level", help="list the levels, or lift this project to one and keep all edits")
    parser.add_argument("level", nargs="?", type=int, help="the level to lift to; without it, list the levels")
    parser.add_argument("--update", action="store_true", help="take the newest version of the template")
    parser.add_argument("--to", metavar="VERSION", help="take this version of the template")
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the changes; exit code 1 if there are conflicts"
    )
    parser.add_argument("--allow-lowering", action="store_true", help="delete the files of the levels above")
    parser.add_argument(
        "--allow-deleting", action="store_true", help="delete what the template has dropped, also if you edited it"
    )
    parser.add_argument("--show", metavar="FILE", help="print how the template's version of a file differs from yours")
    parser.add_argument("--take", metavar="FILE", help="write the template's version of a file into the project")
    add_answer_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the subcommand in the current folder and return its exit code."""
    folder = Path.cwd()
    data: dict[str, Any] = parse_data(options.data)
    if options.level is not None:
        data["maturity_level"] = options.level
    request = Request(
        data,
        newest=options.update,
        version=options.to,
        ask=sys.stdin.isatty() and not options.defaults,
        delete_edited=options.allow_lowering or options.allow_deleting,
    )
    if options.show or options.take:
        return print_file(folder, options.show, request) if options.show else take_file(folder, options.take, request)
    if not data and not options.update and not options.to:
        list_levels(level_of(read_answers(folder)))
        return 0
    outcome = lift(folder, request, dry_run=options.dry_run)
    print_outcome(outcome)
    if outcome.is_nothing or not options.dry_run:
        print_next_steps(outcome)
        print_move(git(folder, "rev-parse", "--show-prefix").strip(), outcome.merged.new)
    return 1 if outcome.merged.conflicts else 0


def print_file(folder: Path, name: str, request: Request) -> int:
    """Print how a file of the template differs from the project's."""
    mine, new = (text.splitlines(keepends=True) for text in both(folder, name, request))
    sys.stdout.writelines(unified_diff(mine, new, f"yours/{name}", f"template/{name}"))
    return 0


def take_file(folder: Path, name: str, request: Request) -> int:
    """Write a file of the template into the project."""
    _, new = both(folder, name, request)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(new, encoding="utf-8")
    print(f"{name} is as in the template. To undo: git checkout -- {name}")
    return 0


def both(folder: Path, name: str, request: Request) -> tuple[str, str]:
    """Return a file as it is in the project and in the template; empty if the project has none.

    Raises:
        CommandError: the template has no such file.
    """
    recorded = renamed(folder, read_answers(folder), request)
    with renders_of(recorded, request) as renders:
        if not (renders.new / name).is_file():
            raise CommandError(f"the template has no {name} for this project; paths start at the project's folder")
        new = (renders.new / name).read_text(encoding="utf-8")
    return (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else "", new


def print_outcome(outcome: Outcome) -> None:
    """Print how an update changes the project, and what of the template does not reach it."""
    merged, before, answers = outcome.merged, outcome.before, outcome.answers
    show("New files", merged.new)
    show("Changed files", [path for path in merged.changed if path != before["_answers_file"]])
    show("Deleted files", merged.gone)
    show("Conflicts between your edits and the template's changes", merged.conflicts)
    show("Kept because you edited them: the template has dropped these, --allow-deleting deletes them", merged.kept)
    show("Yours stay, and the template has them as well", merged.foreign)
    show("Ignored by Git, so commit them with `git add --force`", outcome.ignored)
    show("Changed in the template, and yours: `poe level --show FILE` prints the difference", outcome.newer_seeds)
    show("Not in this repository: `poe level --take FILE` brings one back", outcome.missing)
    if answers["_commit"] != before["_commit"]:
        print(f"Version of the template: {before['_commit']} -> {answers['_commit']}")
    show("New answers", [f"{name}: {value}" for name, value in answers.items() if name not in before])


def show(what: str, lines: list[str]) -> None:
    """Print a list unless it is empty."""
    if lines:
        print(f"{what}:", *sorted(lines), sep="\n  ")


def list_levels(present: int) -> None:
    """Print the levels, with a mark at the project's."""
    for each in levels():
        mark = "->" if each["number"] == present else "  "
        print(f"{mark} {each['number']} {each['name']}: {each['summary']}" + ("" if each["released"] else " (planned)"))
    print("\n`uv run poe level N` lifts to level N; add --dry-run to list the changes only.")


def print_next_steps(outcome: Outcome) -> None:
    """Print what the level adds, and the next steps."""
    if outcome.is_nothing:
        print("Nothing to do: the repository is up to date with the template.")
        return
    if outcome.changes_level:
        print_capabilities(level_of(outcome.answers))
    if outcome.merged.conflicts:
        print("\nFirst resolve the conflicts: between the markers are your lines, then the template's.")
    print(f"\nNow: uv sync, read `git diff`, then git add . && git commit. To undo all instead: {UNDO}")


def print_move(prefix: str, new: list[str]) -> None:
    """Print how new files of GitHub get where it reads them, if the project is in a folder of a larger repository."""
    if not prefix or not any(path.startswith(".github/") for path in new):
        return
    folder = shlex.quote(prefix.rstrip("/"))
    review = ".github/pull_request_template.md" in new
    print(
        "\nGitHub reads .github only at the root of the repository. After the commit, from the root:\n\n"
        f"  mkdir -p .github/workflows && git mv -k {folder}/.github/workflows/* .github/workflows/"
    )
    if review:
        print(
            f"  git mv -k {folder}/.github/CODEOWNERS {folder}/.github/dependabot.yml .github/\n"
            f"  cp {folder}/.github/pull_request_template.md .github/"
        )
    page = "docs/workflows.md" if review else "docs/levels/0.md"
    print(f'\nThen change the paths in them: see {page}, "In a folder of a larger repository".')


def print_capabilities(number: int) -> None:
    """Print the capabilities of a level."""
    level = levels()[number]
    print(f"\nLevel {number} ({level['name']}): {level['summary']}.\n")
    tasks = [capability for capability in level.get("capabilities", []) if "task" in capability]
    width = max((len(capability["task"]) for capability in tasks), default=0)
    for capability in tasks:
        print(f"  uv run poe {capability['task']:{width}}  {capability['name']}")
    print(f"\ndocs/levels/{number}.md describes them, and what there is besides commands.")
