"""The answers of a project: as recorded in its answers file, and as given on the command line."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from copier_mlops.errors import CommandError

ANSWERS = ".copier-answers.yml"


def questions(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answers to questions, without the facts that are recorded beside them."""
    return {name: answer for name, answer in answers.items() if name[0] != "_" and name != "applied_level"}


def check_questions(data: dict[str, Any], answers: dict[str, Any]) -> None:
    """Check that each answer of `data` is to a question that was asked.

    Raises:
        CommandError: one is not.
    """
    known = questions(answers)
    if unknown := [name for name in data if name not in known]:
        raise CommandError(f"there is no question {', '.join(unknown)} at this level; there are {', '.join(known)}")


def answers_file(folder: Path) -> Path:
    """Return the answers file, which `copier copy --answers-file` may have given another name.

    Raises:
        CommandError: there is none, or several.
    """
    found = [path for path in folder.glob(".copier-answers*.yml") if b"package_name:" in path.read_bytes()]
    if (folder / ANSWERS).exists():
        return folder / ANSWERS
    if len(found) != 1:
        raise CommandError(f"{ANSWERS} is missing: run this in a folder that was made from the template")
    return found[0]


def read_answers(folder: Path, name: str | None = None) -> dict[str, Any]:
    """Return the recorded answers, and the name of their file as `_answers_file`.

    Raises:
        CommandError: there are none, or an update cannot use them.
    """
    path = folder / name if name else answers_file(folder)
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = str(answers["_src_path"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise CommandError(f"{ANSWERS} is damaged: `git log -- {ANSWERS}` finds the last good one") from error
    if source.startswith(".") or (":" not in source and not Path(source).expanduser().is_dir()):
        raise CommandError(
            f"the template is not at {source}: write its absolute path or its URL to _src_path in {ANSWERS}, and to the"
            " commands `level` and `update` in tasks/level-0.toml, commit"
        )
    if "_commit" not in answers:
        raise CommandError(
            f"the template was no Git repository when this project was made: write the version or commit that it was to"
            f" _commit in {ANSWERS}, commit"
        )
    return {**answers, "_answers_file": path.name}


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
