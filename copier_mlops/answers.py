"""The answers of a project: as recorded in its answers file, and as given on the command line."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from copier_mlops.errors import CommandError

ANSWERS = ".copier-answers.yml"


def read_answers(folder: Path) -> dict[str, Any]:
    """Return the recorded answers.

    Raises:
        CommandError: there are none, or an update cannot use them.
    """
    path = folder / ANSWERS
    if not path.exists():
        raise CommandError(f"{ANSWERS} is missing: run this in a folder that was made from the template")
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = str(answers["_src_path"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise CommandError(f"{ANSWERS} is damaged: `git log -- {ANSWERS}` finds the last good one") from error
    if source.startswith(".") or (":" not in source and not Path(source).expanduser().is_dir()):
        raise CommandError(
            f"the template is not at {source}: write its absolute path or its URL to _src_path in {ANSWERS}, and to the"
            " command `level` in tasks/level-0.toml, commit"
        )
    if "_commit" not in answers:
        raise CommandError(
            f"the template was no Git repository when this project was made: write the version or commit that it was to"
            f" _commit in {ANSWERS}, commit"
        )
    return answers


def add_answer_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that answer questions."""
    parser.add_argument("--data", action="append", default=[], metavar="QUESTION=ANSWER", help="answer a question")
    parser.add_argument("--defaults", action="store_true", help="take the default answer to every other question")


def parse_data(pairs: list[str]) -> dict[str, Any]:
    """Return the answers of `--data`.

    Raises:
        CommandError: one is not written as QUESTION=ANSWER, or a question is answered twice.
    """
    data = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(data) < len(pairs):
        raise CommandError("--data is written as QUESTION=ANSWER, each question once")
    return data
